"""The nouns and names, grouped by what one can do with them: data only, read by `lexicon`.

Entries are separated by commas; `_` joins a word of two parts; `child/children` gives an irregular
plural and `math/-` says that there is none.
"""

# Each block: group, counter, pronoun. The counter is the word that a number needs in Korean (책 세
# 권, "three books"); `잔=glass` marks nouns that English measures too (물 세 잔, "three glasses of
# water").
NOUNS = """
man 명 he: man/men 남자, boy 소년, baker 제빵사, dentist 치과의사, driver 운전사, farmer 농부,
 firefighter 소방관, fisherman/fishermen 어부, king 왕, nurse 간호사, painter 화가, prince 왕자,
 poet 시인, pianist 피아니스트, postman/postmen 우체부, dancer 무용수, tailor 재단사
man 명 she: woman/women 여자, girl 소녀, actress 여배우, architect 건축가, doctor 의사,
 engineer 기술자, judge 판사, lawyer 변호사, minister 장관, pilot 조종사, princess 공주,
 queen 여왕, scientist 과학자, soldier 군인, writer 작가, translator 번역가, journalist 기자
man 명 he: student 학생, waiter 종업원, tourist 관광객, chef 요리사, guide 안내원
man 명 she: child/children 아이, librarian 사서, singer 가수, photographer 사진작가, artist 예술가
kin 명 he: younger_brother 남동생, son 아들, uncle 삼촌, husband 남편, nephew 조카
kin 명 she: younger_sister 여동생, daughter 딸, aunt 이모, wife/wives 아내, cousin 사촌
kin 명 he: neighbor 이웃, colleague 동료, roommate 룸메이트
kin 명 she: friend 친구, classmate 반_친구
animal 마리 it: dog 개, cat 고양이, horse 말, cow 소, pig 돼지, goat 염소, sheep/sheep 양,
 duck 오리, chicken 닭, rabbit 토끼, mouse/mice 쥐, monkey 원숭이, bear 곰, tiger 호랑이,
 lion 사자, fox 여우, wolf/wolves 늑대, deer/deer 사슴, elephant 코끼리, squirrel 다람쥐,
 puppy 강아지, parrot 앵무새, turtle 거북이, frog 개구리, giraffe 기린, zebra 얼룩말
fruit 개 it: apple 사과, pear 배, orange 오렌지, lemon 레몬, peach 복숭아, banana 바나나,
 strawberry 딸기, tangerine 귤, persimmon 감, mango 망고, kiwi 키위, plum 자두
vegetable 개 it: carrot 당근, potato 감자, tomato 토마토, onion 양파, cucumber 오이, pumpkin 호박,
 sweet_potato 고구마, eggplant 가지, mushroom 버섯
snack 개 it: egg 달걀, cookie 쿠키, sandwich 샌드위치, hamburger 햄버거, doughnut 도넛,
 dumpling 만두, pancake 팬케이크, rice_ball 주먹밥
dish 그릇=bowl it: rice 밥, soup 국, bibimbap 비빔밥, porridge 죽, ramyeon 라면, salad 샐러드,
 curry 카레
dish 그릇=bowl they: cold_noodles/- 냉면
slice 조각=slice it: bread 빵, cake 케이크, pizza 피자, cheese 치즈
drink 잔=cup it: coffee 커피, tea 차, green_tea 녹차, cocoa 코코아
drink 잔=glass it: water 물, juice 주스, milk 우유, lemonade 레모네이드
text 권 it: book 책, novel 소설, magazine 잡지, diary 일기장, textbook 교과서, dictionary 사전,
 comic_book 만화책, picture_book 그림책, guidebook 안내서, cookbook 요리책
writing 통 it: letter 편지
writing 장 it: postcard 엽서
writing 편 it: poem 시, essay 수필, report 보고서, article 기사
paper 장 it: ticket 표, photo 사진, map 지도, card 카드, stamp 우표, blanket 담요, towel 수건
pen 자루 it: pencil 연필, pen 펜, brush 붓, knife/knives 칼, crayon 크레용
stationery 개 it: eraser 지우개, ruler 자
stationery 권 it: notebook 공책
clothes 벌 it: shirt 셔츠, coat 코트, suit 정장, dress 원피스, skirt 치마, sweater 스웨터,
 uniform 제복, jacket 재킷, raincoat 비옷
clothes 벌=pair they: pants/- 바지, jeans/- 청바지
footwear 켤레=pair they: shoes/- 신발, socks/- 양말, boots/- 장화, sneakers/- 운동화,
 slippers/- 슬리퍼
headwear 개 it: hat 모자, helmet 헬멧, cap 야구_모자
handwear 켤레=pair they: gloves/- 장갑, mittens/- 벙어리장갑
handwear 개 it: ring 반지
belonging 개 it: key 열쇠, wallet 지갑, watch 시계, necklace 목걸이, umbrella 우산, cup 컵,
 spoon 숟가락, plate 접시, bowl 그릇, pot 냄비, basket 바구니, ball 공, bag 가방, backpack 배낭,
 box 상자, candle 양초, mirror 거울, toy 장난감, doll 인형, kite 연, lamp 램프, gift 선물,
 hammer 망치, vase 꽃병, clock 벽시계, teapot 찻주전자, pillow 베개, fan 부채, flag 깃발
machine 대 it: computer 컴퓨터, camera 카메라, radio 라디오, refrigerator 냉장고,
 washing_machine 세탁기, television 텔레비전, printer 프린터, laptop 노트북, phone 전화기
vehicle 대 it: car 자동차, truck 트럭, motorcycle 오토바이, van 승합차
ride 대 it: bus 버스, taxi 택시, train 기차, bicycle 자전거, airplane 비행기
ship 척 it: ship 배, boat 보트, ferry 여객선
flower 송이 it: flower 꽃, rose 장미, tulip 튤립, lily 백합, sunflower 해바라기, carnation 카네이션
tree 그루 it: tree 나무, apple_tree 사과나무, pine_tree 소나무, cherry_tree 벚나무,
 plum_tree 자두나무, pear_tree 배나무
seat 개 it: chair 의자, bench 벤치, sofa 소파
surface 개 it: desk 책상, table 식탁, bed 침대, shelf/shelves 선반, piano 피아노
container 개 it: drawer 서랍, closet 옷장, suitcase 여행_가방, cupboard 찬장
house 채 it: house 집
home - it: home/- 집
opening 개 it: window 창문, door 문, gate 대문
strings 대 it: violin 바이올린, cello 첼로
keys 대 it: guitar 기타, organ 오르간
winds 대 it: flute 플루트, trumpet 트럼펫, harmonica 하모니카
song 곡 it: song 노래
film 편 it: movie 영화, play 연극, drama 드라마, cartoon 만화_영화
picture 장 it: picture 그림, portrait 초상화, poster 포스터
problem 개 it: problem 문제, question 질문, assignment 과제
tale 개 it: story 이야기, secret 비밀, news/- 소식, plan 계획
subject - it: math/- 수학, history/- 역사, Korean/- 한국어, English/- 영어, science/- 과학,
 music/- 음악, art/- 미술, philosophy/- 철학, French/- 프랑스어, biology/- 생물학, law/- 법학
sport - it: soccer/- 축구, baseball/- 야구, tennis/- 테니스, basketball/- 농구, volleyball/- 배구,
 badminton/- 배드민턴, golf/- 골프
indoors 곳 it: library 도서관, school 학교, hospital 병원, museum 박물관, station 역, bakery 빵집,
 restaurant 식당, bookstore 서점, theater 극장, hotel 호텔, bank 은행, post_office 우체국,
 market 시장, airport 공항, classroom 교실, kitchen 부엌, office 사무실, gym 체육관, cafe 카페,
 department_store 백화점, living_room 거실, factory 공장, pharmacy 약국, university 대학교,
 stadium 경기장, flower_shop 꽃집, gallery 미술관, church 교회, laboratory 실험실
outdoors 곳 it: park 공원, garden 정원, beach 해변, forest 숲, yard 마당, playground 놀이터,
 farm 농장, village 마을, zoo 동물원, square 광장, island 섬, harbor 항구, lake 호수, river 강,
 campsite 야영장, countryside 시골, field 들판
city - it: Seoul/- 서울, Busan/- 부산, Tokyo/- 도쿄, Paris/- 파리, London/- 런던, Berlin/- 베를린,
 Korea/- 한국, Germany/- 독일, Japan/- 일본, France/- 프랑스, Canada/- 캐나다, Jeju/- 제주도,
 Rome/- 로마, Daegu/- 대구, Incheon/- 인천, Gwangju/- 광주, Vienna/- 빈, Italy/- 이탈리아
"""

# Smaller groups inside the groups above, for verbs that are particular.
SUBGROUPS = """
adult: man, woman, doctor, farmer, king, queen, soldier, poet, painter, singer, judge, pilot, lawyer
edible: egg, cookie, sandwich, hamburger, doughnut, dumpling, pancake, rice_ball
bakeable: bread, cake, pizza, cookie
peelable: apple, pear, orange, persimmon, mango, kiwi, carrot, potato, onion, cucumber,
 sweet_potato
cuttable: bread, cake, cheese, apple, lemon, pumpkin, onion, tomato, cucumber, potato, carrot
homemade: cookie, sandwich, dumpling, pancake, rice_ball, soup, salad, cake, bread, juice, lemonade
tool: hammer, knife, pot, brush, fan, ruler, lamp, umbrella, basket, towel
small: key, wallet, watch, necklace, umbrella, ring, ticket, card, eraser, pencil, pen, hat, bag
washable: cup, spoon, plate, bowl, pot, basket
breakable: cup, plate, bowl, vase, mirror, window, teapot
throwable: ball, pillow, hat
portable: bag, backpack, box, basket, lamp, chair, suitcase, mirror, clock, vase, pot, computer
lockable: box, bag, window, door, gate, drawer, closet, suitcase, cupboard
shuttable: window, door, gate, drawer, closet, suitcase, cupboard, box
mendable: watch, clock, toy, umbrella, lamp, chair, desk, bed, bicycle, door, window, fan
paintable: gate, door, chair, bench, house, shelf, table, desk
movable: chair, sofa, desk, bed, table, bench, car, truck, van
room: kitchen, classroom, office, living_room, library, cafe, yard, garden, gym
visitable: museum, hospital, factory, university, gallery, farm, village, zoo, island, school
public: bus, taxi, train, airplane, ship, ferry
ridden: bicycle, horse, motorcycle, elephant
driven: car, truck, van, bus, taxi
awaited: bus, taxi, train, ferry
collectable: stamp, photo, map, postcard, poster, doll, toy, picture, comic_book, ticket
pet: dog, cat, rabbit, puppy, parrot, turtle
cuddly: dog, cat, rabbit, puppy, doll
runner: dog, cat, horse, rabbit, puppy, fox, wolf, deer, tiger, goat
swimmer: duck, turtle, frog, elephant, bear, dog
chased: cat, rabbit, mouse, chicken, duck, squirrel, sheep, goat
countable: sheep, duck, chicken, apple, cookie, ticket, stamp, photo, cow, tulip, egg
drawable: flower, rose, tree, house, dog, cat, horse, ship, king, queen, giraffe, lion
foldable: shirt, towel, blanket, map, pants, jeans, sweater, skirt, jacket
hangable: picture, coat, clock, mirror, map, portrait, poster, jacket, suit
written: letter, postcard, poem, essay, report, article, novel, diary
giftable: apple, book, novel, letter, flower, rose, ring, gift, cookie, cake, coffee, watch, doll,
 toy, umbrella, card, photo, ticket, key, hat, gloves, orange, magazine, tulip, pencil, necklace
sendable: letter, postcard, gift, photo, card, book, flower, box, rose, report
showable: photo, picture, map, letter, book, ring, poem, ticket, portrait, house, garden, camera
lendable: book, umbrella, car, bicycle, camera, pencil, pen, dictionary, novel, hammer, guitar,
 coat,
 notebook, magazine, laptop
sold: apple, pear, peach, tomato, flower, rose, book, hat, shoes, car, bicycle, picture, house,
 watch
taught: math, history, Korean, English, science, music, art, French, song, tennis, guitar
fun: book, novel, movie, play, drama, cartoon, story, comic_book, song, soccer, tennis, history
difficult: book, problem, question, assignment, math, history, Korean, English, science, textbook,
 philosophy, song, French, biology, law
"""

# "He" and "she" stand for the names of each line in a later clause.
NAMES = """
he: Minsu 민수, Junho 준호, Jihun 지훈, Seojun 서준, Hyunwoo 현우, Dongmin 동민, Sungmin 성민,
 Tom 톰, Paul 폴, Peter 피터, Daniel 다니엘, David 데이비드, Martin 마틴, Leo 레오,
 Thomas 토마스, Youngho 영호, Jaemin 재민, Oscar 오스카, Simon 사이먼
she: Jisu 지수, Minji 민지, Yujin 유진, Seoyeon 서연, Sujin 수진, Eunji 은지, Hyejin 혜진,
 Yeongmi 영미, Anna 안나, Maria 마리아, Sarah 사라, Emma 에마, Julia 줄리아, Laura 로라,
 Helen 헬렌,
 Nari 나리, Bora 보라, Eva 에바, Clara 클라라, Dahye 다혜
"""
