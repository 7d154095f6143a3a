"""The verbs with what they may govern: data only, read by `lexicon`.

English verbs give past and participle where these are irregular (`eat/ate/eaten`), Korean ones the
letter of their irregular class (see `hangul.Stem`). A Korean verb that starts with 에 or 에게 marks
what it acts on with that particle instead of 을/를. One English verb may stand in several rows:
to wear is 입다 with a shirt, 신다 with shoes and 쓰다 with a hat; which one follows from the noun.

Remarks: `state` has no progressive ("he is knowing"), `punctual` neither (one finds in a moment),
`animal` may have an animal as its subject,
`accident` is nothing that one wants, has or is able to do.
"""

# English | Korean | what is acted on | activity (what places are for) | manners | remarks
TRANSITIVE = """
eat/ate/eaten | 먹다 | fruit vegetable dish slice edible | eat | pace quiet
drink/drank/drunk | 마시다 | drink | drink | pace quiet
buy/bought | 사다 | fruit vegetable edible slice | market
buy/bought | 사다 | text | bookstore
buy/bought | 사다 | clothes footwear headwear handwear belonging machine pen stationery | shop
buy/bought | 사다 | flower vehicle house
sell/sold | 팔다 | sold | market
read/read | 읽다 | text writing | read | pace quiet
write/wrote/written | 쓰다 | written | read | pace quiet
translate | 번역하다 | text letter poem report article | study | pace care
borrow/borrowed | 빌리다 | text lendable
return | 돌려주다 | lendable | | | punctual
lose/lost | 잃어버리다 | small | | | punctual accident
find/found | 찾아내다 | small | | | punctual
look for | 찾다 | small | | care
wash | 씻다 | fruit vegetable washable | cook | pace care
wash | 빨다 | clothes socks sneakers gloves towel blanket | home | care
wear/wore/worn | 입다 | clothes
wear/wore/worn | 신다 | footwear
wear/wore/worn | 쓰다 | headwear
wear/wore/worn | 끼다 | handwear
play | 치다 | keys piano | home | skill alone
play | 켜다 | strings | home | skill alone
play | 불다 | winds | home | skill alone
play | 하다 | sport | play |
cook | 요리하다 | vegetable curry soup porridge | cook | care skill
make/made | 만들다 | homemade | cook | pace care skill
bake | 굽다/ㅂ | bakeable | cook | care skill
cut/cut | 자르다/르 | cuttable | cook | pace care
peel | 깎다 | peelable | cook | pace care
plant | 심다 | flower tree | | care
water | 에 물을 주다 | flower tree | garden | care
draw/drew/drawn | 그리다 | drawable | draw | pace quiet skill
see/saw/seen | 보다 | man kin animal name ship | see | | punctual animal
watch | 보다 | film | theater | quiet alone
listen to | 듣다/ㄷ | song story | home | quiet alone
hear/heard | 듣다/ㄷ | tale song | | | punctual
sing/sang/sung | 부르다/르 | song | dance | skill loud
meet/met | 만나다 | man kin name | meet | | punctual
help | 돕다/ㅂ | man kin name | work study | kindly
call | 에게 전화하다 | kin name | | | punctual
thank | 에게 감사하다 | man kin name | | | punctual
wait for | 기다리다 | man kin name awaited | wait | quiet
love | 사랑하다 | kin name pet | | | state
like | 좋아하다 | fruit dish slice drink text film song sport subject animal flower name | | | state
hate | 싫어하다 | vegetable dish sport subject animal | | | state
know/knew/known | 알다 | man kin name song tale | | well | state
remember | 기억하다 | man kin name song tale film | | well | state
forget/forgot/forgotten | 잊다 | song tale question | | | punctual accident
trust | 믿다 | man kin name | | | state
invite | 초대하다 | man kin name | | | punctual
visit | 방문하다 | city visitable | | | punctual
repair | 고치다 | machine vehicle mendable | | care skill
clean | 청소하다 | room house | | pace care
paint | 칠하다 | paintable | | pace care
push | 밀다 | movable | | pace
open | 열다 | lockable | | quiet | punctual
close | 닫다 | shuttable | | quiet | punctual
carry | 나르다/르 | portable | | pace care
throw/threw/thrown | 던지다 | throwable | play | | punctual
choose/chose/chosen | 고르다/르 | text clothes picture flower fruit film belonging | | pace care
build/built | 짓다/ㅅ | house | | pace
break/broke/broken | 깨다 | breakable | | | punctual accident
ride/rode/ridden | 타다 | ridden | | skill
take/took/taken | 타다 | public | | | punctual
drive/drove/driven | 운전하다 | driven | | care skill
use | 사용하다 | machine tool pen | work
learn | 배우다 | subject sport strings keys winds song | | hard
study | 공부하다 | subject | study | hard quiet alone
understand/understood | 이해하다 | problem story text poem | | well | state
explain | 설명하다 | problem tale | study | pace care
solve | 풀다 | problem question | study | pace alone
order | 주문하다 | drink soup bibimbap ramyeon curry pizza salad hamburger sandwich cake | order
collect | 모으다 | collectable
pick | 따다 | fruit | garden | pace care
hide/hid/hidden | 숨기다 | small letter gift | | quiet | punctual
count | 세다 | countable | | pace care
touch | 만지다 | pet flower picture | | quiet | punctual
hug | 껴안다 | kin name cuddly | | | punctual
feed/fed | 에게 먹이를 주다 | animal | zoo
chase | 쫓다 | chased | | | animal
follow | 따라가다 | man kin name pet | | quiet | animal
praise | 칭찬하다 | man kin name song picture
wake/woke/woken | 깨우다 | kin name pet | home | quiet | punctual
fold | 접다 | foldable | home | pace care
hang/hung | 걸다 | hangable | | care | punctual
copy | 베끼다 | poem letter article | study | pace
finish | 끝내다 | assignment report novel essay | | | punctual
respect | 존경하다 | man kin name | | | state
introduce | 소개하다 | man kin | | | punctual
protect | 보호하다 | animal man forest lake
pack | 싸다 | suitcase bag backpack | home | pace care
hold/held | 들다 | bag box umbrella candle flag flower lamp
move | 옮기다 | movable machine | | pace care
discover | 발견하다 | island secret lake forest | | | punctual
answer | 에 답하다 | question letter | | | punctual
paint | 그리다 | portrait picture | draw | skill
sell/sold | 팔다 | ticket stamp postcard
"""

# English | preposition | Korean | what is given or told; the other person takes 에게
GIVING = """
give/gave/given | to | 주다 | giftable
send/sent | to | 보내다 | sendable
show/showed/shown | to | 보여 주다 | showable
lend/lent | to | 빌려주다 | lendable
teach/taught | to | 가르치다 | taught
sell/sold | to | 팔다 | sold
explain | to | 설명하다 | problem tale
read/read | to | 읽어 주다 | text letter poem
bring/brought | to | 가져다주다 | giftable
"""

# English | Korean | activity | manners | remarks
INTRANSITIVE = """
sleep/slept | 자다 | rest | well hour | animal
run/ran/run | 뛰다 | play | pace | animal
walk | 걷다/ㄷ | walk | pace quiet alone
swim/swam/swum | 수영하다 | swim | pace alone
work | 일하다 | work | hard quiet
study | 공부하다 | study | hard quiet alone
rest | 쉬다 | rest | quiet alone | animal
dance | 춤을 추다 | dance | skill alone
sing/sang/sung | 노래를 부르다/르 | dance | skill loud
exercise | 운동하다 | exercise | hard alone
cry | 울다 | home | loud quiet
laugh | 웃다 | meet | loud
smile | 미소를 짓다/ㅅ | meet
play | 놀다 | play | quiet | animal
get/got/gotten up | 일어나다 | | hour | punctual
shout | 소리치다 | play |
jump | 뛰어오르다/르 | play | | punctual animal
wait | 기다리다 | wait | quiet alone
travel | 여행하다 | | alone
cook | 요리하다 | cook | care
paint | 그림을 그리다 | draw | skill quiet
take/took/taken a walk | 산책하다 | walk | alone
take/took/taken a shower | 샤워하다 | home | pace
make/made a phone call | 전화를 걸다 | wait | quiet
take/took/taken pictures | 사진을 찍다 | walk see | skill
fall/fell/fallen down | 넘어지다 | play | | punctual accident
cough | 기침하다 | meet | loud | accident
yawn | 하품하다 | study | loud | accident
camp | 야영하다 | walk | alone
shop | 장을 보다 | market | pace alone
fish | 낚시하다 | fish | quiet alone
"""

# English | preposition | Korean, with the particle of the goal | goals | remarks
MOTION = """
go/went/gone | to | 에 가다 | indoors outdoors city home
come/came/come | to | 에 오다 | indoors outdoors city home
walk | to | 에 걸어가다 | indoors outdoors
run/ran/run | to | 에 뛰어가다 | indoors outdoors
return | to | 로 돌아오다 | indoors outdoors city home | punctual
go/went/gone back | to | 로 돌아가다 | indoors outdoors city home | punctual
arrive | at | 에 도착하다 | indoors outdoors | punctual
arrive | in | 에 도착하다 | city | punctual
go/went/gone | into | 에 들어가다 | indoors
leave/left | for | 로 떠나다 | city | punctual
move | to | 로 이사하다 | city countryside village | punctual
travel | to | 로 여행을 가다 | city
live | in | 에 살다 | city village house countryside | state
live | on | 에 살다 | island farm | state
sit/sat | on | 에 앉다 | seat | punctual
stay | at | 에 머무르다/르 | hotel campsite home
"""
