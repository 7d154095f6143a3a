"""Adjectives, adverbs, pronouns and numbers: data only, read by `lexicon`.

In adverbs of two and more words `:a`, `:b` mark which words stand for each other; words without a
mark stand for the whole.
"""

# English | Korean | what it may describe | remarks (`attributive`: only before its noun,
# `predicate`: never there, `passing`: a state of the day)
ADJECTIVES = """
kind | 친절하다 | man kin name
busy | 바쁘다 | man kin name | passing
tired | 피곤하다 | man kin name | passing
happy | 행복하다 | man kin name pet | passing
sad | 슬프다 | man kin name song movie story play poem | passing
hungry | 배고프다 | man kin name animal | passing
thirsty | 목마르다/르 | man kin name animal | passing
sick | 아프다 | man kin name animal | passing
lonely | 외롭다/ㅂ | man kin name | passing
nervous | 초조하다 | man kin name | passing
bored | 심심하다 | man kin name | passing
young | 젊다 | adult
tall | 키가 크다 | man kin name giraffe
smart | 똑똑하다 | man kin name animal
brave | 용감하다 | man kin name
lazy | 게으르다/르 | man kin name cat
diligent | 부지런하다 | man kin name
famous | 유명하다 | man name picture song text film museum restaurant city
rich | 부유하다 | man name
poor | 가난하다 | man
healthy | 건강하다 | man kin name animal
quiet | 조용하다 | man kin name library park village forest garden cafe church island
honest | 정직하다 | man kin name
polite | 공손하다 | man kin name
friendly | 다정하다 | man kin name
strong | 강하다 | man bear lion tiger horse elephant
weak | 약하다 | man animal
generous | 너그럽다/ㅂ | man kin name
curious | 호기심이 많다 | man kin name cat monkey
beautiful | 아름답다/ㅂ | flower city island lake song garden picture forest princess queen
cute | 귀엽다/ㅂ | animal doll child
clever | 영리하다 | dog fox monkey horse squirrel
wild | 사납다/ㅂ | dog wolf lion tiger bear
big | 크다 | animal belonging fruit house box tree vehicle ship container surface opening city park
small | 작다 | animal belonging fruit house box tree vehicle container machine room village ring
new | 새 | clothes footwear headwear belonging machine vehicle text house ride film | attributive
old | 오래되다 | house film picture machine vehicle clothes belonging museum song | attributive
good | 좋다 | text film song hotel school restaurant camera
bad | 나쁘다 | film
expensive | 비싸다 | clothes footwear belonging machine vehicle fruit handwear hotel house
cheap | 싸다 | clothes footwear belonging machine fruit vegetable hotel
heavy | 무겁다/ㅂ | container machine surface bag box backpack dictionary pot seat
light | 가볍다/ㅂ | bag box backpack footwear machine umbrella coat
clean | 깨끗하다 | room clothes washable hotel restaurant lake river beach
dirty | 더럽다/ㅂ | clothes footwear washable bag room
long | 길다 | novel letter movie river skirt pencil story essay coat
short | 짧다 | novel letter movie skirt pencil story essay poem play
wide | 넓다 | river room park beach field square desk
narrow | 좁다 | room office bed
round | 둥글다 | table mirror clock cookie
soft | 부드럽다/ㅂ | bread cake blanket towel pillow sweater sofa
hard | 딱딱하다 | bread chair bed
thick | 두껍다/ㅂ | text blanket coat sweater report
thin | 얇다 | text blanket coat notebook
sharp | 날카롭다/ㅂ | knife
red | 빨갛다/ㅎ | clothes footwear headwear flower apple vehicle bag ball umbrella pencil mittens
blue | 파랗다/ㅎ | clothes footwear headwear vehicle bag ball umbrella pencil door
yellow | 노랗다/ㅎ | clothes footwear headwear flower vehicle bag ball umbrella duck
white | 하얗다/ㅎ | clothes footwear headwear flower vehicle rabbit cat dog horse house gloves
black | 까맣다/ㅎ | clothes footwear headwear vehicle bag umbrella cat dog horse gloves
sweet | 달다 | fruit cake cookie cocoa juice
sour | 시다 | fruit lemonade
salty | 짜다 | soup ramyeon cheese
spicy | 맵다/ㅂ | soup ramyeon curry
delicious | 맛있다 | fruit dish slice edible drink
fresh | 신선하다 | fruit vegetable bread milk
hot | 뜨겁다/ㅂ | soup coffee tea cocoa
cold | 차갑다/ㅂ | water juice milk lemonade
interesting | 재미있다 | fun
boring | 지루하다 | text film story subject
difficult | 어렵다/ㅂ | difficult
easy | 쉽다/ㅂ | difficult
useful | 유용하다 | text machine map subject tool
important | 중요하다 | problem report letter subject news
strange | 이상하다 | story picture film man animal letter
noisy | 시끄럽다/ㅂ | market classroom machine child restaurant
bright | 밝다 | room lamp
dark | 어둡다/ㅂ | room forest theater
fast | 빠르다/르 | horse ride vehicle ship rabbit
slow | 느리다 | turtle bus train ship
dangerous | 위험하다 | river bear lion tiger wolf knife
far | 멀다 | indoors outdoors | predicate
close | 가깝다/ㅂ | indoors outdoors | predicate
deep | 깊다 | lake river forest
comfortable | 편안하다 | seat bed footwear hotel
popular | 인기가 많다 | singer film song restaurant actress book
safe | 안전하다 | city village airplane train
fragrant | 향기롭다/ㅂ | flower tea
"""

# English = Korean, by when they may be said. `past` and `future` need that tense; `usual` goes with
# the simple present, `now` with the progressive, `clock` with any event.
TIMES = """
past: yesterday = 어제; last night = 어젯밤에; last week = 지난주에; last month = 지난달에;
 last year = 작년에; this morning = 오늘 아침에; last weekend = 지난 주말에;
 two:a days:a ago:b = 이틀:a 전에:b;
 three:a days:a ago:b = 사흘:a 전에:b; a week:a ago:b = 일주일:a 전에:b; last summer = 지난여름에;
 last winter = 지난겨울에; the day before yesterday = 그저께; a:a month:a ago:b = 한:a 달:a 전에:b;
 an:a hour:a ago:b = 한:a 시간:a 전에:b; last:a Monday:b = 지난:a 월요일에:b;
 last:a Friday:b = 지난:a 금요일에:b; last:a Sunday:b = 지난:a 일요일에:b
future: tomorrow = 내일; tonight = 오늘 밤에; next:a week:b = 다음:a 주에:b;
 next:a month:b = 다음:a 달에:b;
 next year = 내년에; soon = 곧; the day after tomorrow = 모레; this:a weekend:b = 이번:a 주말에:b;
 this:a afternoon:b = 오늘:a 오후에:b; this:a evening:b = 오늘:a 저녁에:b;
 tomorrow:a morning:b = 내일:a 아침에:b;
 tomorrow:a evening:b = 내일:a 저녁에:b; in:b an:a hour:a = 한:a 시간:a 후에:b;
 next:a Saturday:b = 다음:a 토요일에:b;
 this:a summer:b = 올:a 여름에:b; this:a winter:b = 올:a 겨울에:b
usual: every day = 매일; every:a morning:b = 매일:a 아침:b; every:a evening:b = 매일:a 저녁:b;
 every week = 매주;
 on Mondays = 월요일마다; on Fridays = 금요일마다; on Sundays = 일요일마다;
 every year = 매년;
 on weekends = 주말마다; these days = 요즘; every night = 매일 밤; on Tuesdays = 화요일마다;
 on Thursdays = 목요일마다; every month = 매달; in spring = 봄에; in summer = 여름에;
 in autumn = 가을에;
 in winter = 겨울에
now: now = 지금; right now = 바로 지금
clock: on Monday = 월요일에; on Tuesday = 화요일에; on Wednesday = 수요일에;
 on Thursday = 목요일에;
 on Friday = 금요일에; on Saturday = 토요일에; on Sunday = 일요일에; at noon = 정오에;
 at midnight = 자정에
"""

# How long: with lasting actions in the past and future.
DURATIONS = """
all:a day:b long:a = 하루:b 종일:a; for:a two:b hours:c = 두:b 시간:c 동안:a;
 for:a three:b hours:c = 세:b 시간:c 동안:a;
 for:a five:b hours:c = 다섯:b 시간:c 동안:a; for:a an:b hour:c = 한:b 시간:c 동안:a;
 for a long time = 오랫동안;
 for a while = 한동안
"""

FREQUENCIES = """
positive: always = 항상; usually = 보통; often = 자주; sometimes = 가끔
negative: never = 절대; rarely = 거의
"""

MANNERS = """
pace: quickly = 빨리; slowly = 천천히
quiet: quietly = 조용히
loud: loudly = 큰 소리로
care: carefully = 조심스럽게
skill: well = 잘
well: well = 잘
hard: hard = 열심히
alone: alone = 혼자
hour: early = 일찍; late = 늦게
kindly: kindly = 친절하게
"""

DEGREES = "very = 매우; really = 정말; too = 너무; quite = 꽤; a little = 조금"

# English subject, object, possessive | Korean before particles, possessive | agreement
PRONOUNS = """
I me my | 저 제 | first
we us our | 우리 우리 | plural
he him his | 그 그의 | third
she her her | 그녀 그녀의 | third
they them their | 그들 그들의 | plural
"""

# English | Korean before a counter
NUMBERS = """
two 두, three 세, four 네, five 다섯, six 여섯, seven 일곱, eight 여덟, nine 아홉, ten 열,
 eleven 열한,
twelve 열두, twenty 스무
"""

# What simply happens: English base, past, participle, -ing | Korean noun and predicate.
# Places by the preposition of "at the …", and the activities that they are for.
PLACES = """
in: library study read meet, museum meet see, kitchen cook eat drink home, classroom study read,
 office work study drink, garden rest play read garden, park play rest walk eat meet read draw,
 forest walk rest draw, yard play rest garden, playground play meet, village live walk rest,
 square meet dance, hospital work wait, countryside live walk rest draw,
 living_room home rest read,
 department_store shop meet, factory work, laboratory work study, gallery see meet draw,
 field walk play draw, flower_shop work, bookstore bookstore meet read, lake swim, river swim,
 Seoul work meet live, Busan work meet, Paris work dance, London work, Tokyo work meet
at: school study meet, station wait meet, airport wait meet, market shop market, bank work,
 post_office work, beach play walk rest draw fish, zoo see walk draw zoo,
 theater see meet dance theater,
 restaurant eat drink order work meet, cafe drink order meet read study,
 bakery work, hotel rest work,
 gym play exercise, stadium play see, harbor wait walk fish, campsite cook eat rest,
 church dance meet,
 pharmacy work, university study work, farm zoo
on: farm work, island walk rest
by: lake walk rest draw read fish, river walk rest draw play fish
"""

# English subject and verb | Korean subject | Korean verb: "it rains" is 비가 오다, "rain comes".
WEATHER_EVENTS = """
it | rain | 비 | 오다
it | snow | 눈 | 오다
the wind | blow/blew/blown | 바람 | 불다
the sun | shine/shone | 해 | 빛나다
the sun | rise/rose/risen | 해 | 뜨다
the moon | rise/rose/risen | 달 | 뜨다
"""

# What the weather is like; the Korean subject is 날씨, "weather".
WEATHER_STATES = """
cold | 춥다/ㅂ
hot | 덥다/ㅂ
warm | 따뜻하다
cool | 시원하다
cloudy | 흐리다
sunny | 맑다
humid | 습하다
"""

# English | Korean: where a thing lies, and what kinds of nouns it can lie at.
POSITIONS = """
on | 위 | surface seat
under | 아래 | surface seat tree
beside | 옆 | surface seat tree opening house vehicle
in front of | 앞 | house opening tree piano
behind | 뒤 | house opening sofa tree
in | 안 | container box bag basket
"""

# English | Korean | what is asserted as true: 다고 for opinions and hearsay, 것을 for knowledge
SAYING = """
think/thought | 생각하다
believe/believed | 믿다
say/said | 말하다
know/knew | 알다
"""

ASKED = {
    "where": "어디에서",
    "where to": "어디에",
    "when": "언제",
    "why": "왜",
    "how": "어떻게",
}
