#!/usr/bin/env bash
# Install the peers that `make bench` measures beside this project, each into an environment of its
# own under .peers/ (which git ignores). They are never dependencies: without them the benchmark
# runs all the same and says which are missing.
#
#     benchmarks/peers.sh                    all of them, a few gigabytes, a few minutes
#     benchmarks/peers.sh joeynmt opennmt    only these
#
# Packages are installed with --no-deps and with the few that the drivers reach when they import
# them: what the peers ask for besides (old torch and protobuf pins, linters, servers) is not
# needed to train and translate. Nothing in the peers is changed here; benchmarks/peers/*.py say
# where one needs help to be imported.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
TORCH=(torch==2.13.0 numpy==2.4.6 filelock typing_extensions==4.16.0 sympy==1.14.0 mpmath==1.3.0
       networkx==3.6.1 Jinja2==3.1.6 MarkupSafe==3.0.4 fsspec==2026.9.0)

install() {  # install NAME PACKAGE...
    local home=.peers/$1
    shift
    test -x "$home/bin/python" || "$PYTHON" -m venv "$home"
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$@"
}

test $# -gt 0 || set -- joeynmt opennmt marian fairseq
for name in "$@"; do
    echo "Installing $name"
    case $name in
        joeynmt)
            install joeynmt "${TORCH[@]}" joeynmt==2.3.0 pyyaml packaging zipp \
                importlib_metadata==8.5.0 sentencepiece==0.2.3 subword-nmt sacremoses ;;
        opennmt)
            install opennmt "${TORCH[@]}" OpenNMT-py==3.5.1 pyyaml configargparse six regex \
                pyonmttok pyahocorasick rapidfuzz sacrebleu==2.6.0 portalocker lxml tabulate \
                colorama ;;
        marian)  # the wheel carries Marian itself, and is built for a few versions of Python
            install marian pymarian==1.12.42 numpy==2.4.6 pyyaml tqdm ;;
        fairseq)  # without its compiled extensions, whose sources its package lacks in part
            install fairseq "${TORCH[@]}" setuptools==75.8.0 wheel cython hydra-core==1.0.7 \
                omegaconf==2.0.6 antlr4-python3-runtime==4.8 pyyaml cffi pycparser regex tqdm \
                sacrebleu==2.6.0 portalocker lxml tabulate colorama bitarray
            READTHEDOCS=1 install fairseq --no-build-isolation fairseq==0.12.2 ;;
        *)
            echo "There is no peer $name; there are joeynmt, opennmt, marian, fairseq." >&2
            exit 2 ;;
    esac
    touch ".peers/$name/.ready"
done
