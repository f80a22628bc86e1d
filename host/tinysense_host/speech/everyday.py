"""Everyday English: what is said in a room while nobody means the board.

Words for near misses and for speech at random, sentences for speech that flows.
"""

from __future__ import annotations

__all__ = ["SENTENCES", "WORDS"]

_WORDS = """
able about above across act add after again age ago air all almost alone along also always am and
angry animal answer any apple arm around ask at aunt away baby back bacon bad bag ball banana bank
bar basket bath beach bean bear beat beautiful because become bed bee beef before began behind
believe bell below bench best better between big bike bird bit bite black blanket blow blue board
boat body bone book boot bottle bottom bowl box boy branch bread break breakfast bridge bright bring
brother brown brush bucket build burn bus busy butter button buy cake call came camera can candle
candy cap car card care carrot carry cat catch cause chair chance change cheap check cheese chicken
child chocolate choose church circle city class clean clear clever climb clock close cloth cloud
coat coffee cold colour come cook cookie cool copper copy corner cotton could count country cousin
cover cow cream cross cry cup curtain cut dance dark daughter day deep deer desk dinner dish do
doctor dog dollar door double down draw dream dress drink drive drop dry duck dust each ear early
earth easy eat edge egg eight either elbow else empty end engine enjoy enough evening ever every eye
face fact fall family far farm fast father feather feel fell few field fight fill film find finger
fire first fish five flag flat floor flour flower fly follow food foot forest forget fork four fox
free fresh friday friend frog from front fruit full fun funny game garage garden gate gave get
giraffe girl give glad glass glove go goat gold good goodbye grandma grass great green grey ground
grow guess guitar hair half hall hammer hand happen happy hard hat hay he head heart heavy height
hello help hen her here hero hill him his hit hold hole holiday home honey hope horse hot hour house
how hungry hurry hurt ice idea if ill in ink inside island it jacket jam job join joke juice jump
just keep kettle key kick kid kind king kiss kitchen kite kitten knee knife know ladder lady lake
lamp land large last late laugh lay leaf learn leave left leg lemon lesson let letter library life
lift light like line lion lip list listen little live lock long look lose lost loud love low lucky
lunch machine make man many map mark market may maybe me meal mean meat meet melon metal middle
might milk mind minute mirror miss money monkey month moon more morning most mother mountain mouse
mouth move much music must name narrow near neck need needle neighbour never new news next nice
nickel night nine no nobody noise north nose note nothing now number nurse ocean of off office often
oil okay old on once one onion only open orange other our out oven over own page paint pair pan
panda paper parent park part party pass path pay pea peach pear peckish pedal peek pen pencil people
pepper perfect person phone photo piano pick picnic picture piece pig pillow pilot pink pizza place
plan plant plate play please plenty pocket point police pony pool poor post potato power pretty
price pull puppy push put queen question quick quiet rabbit radio rain reach read ready real red
remember repeat rest rice rich ride right ring river road rock roof room rope round rule run sad
safe salad salt same sand sandwich saturday save say school sea seat second secret see seed seek
sell send sentence seven shadow shape share sharp she sheep sheet shelf shine ship shirt shoe shop
short shoulder shout show shower sick side sign silver simple since sing sister sit six skin sky
sleep slow small smell smile smoke snow soap sock soft some son song soon sorry sound soup south
space speak spell spend spoon spring square stairs stand star start station stay steam step stick
still stone stop store storm story street string strong student sugar summer sun sunday supper sure
sweet swim table taco take talk tall taste tea teach team teeth telephone tell ten tennis tent thank
that the then there these they thick thin thing think third thirsty this those thousand three
through throw ticket tie tiger time tiny tired to today toe together tomato tomorrow tonight too
tooth top touch towel tower town toy train travel tree trip trouble trousers true try turkey turn
twelve twenty twice two ugly umbrella uncle under until up us use van vegetable very video village
visit voice wait wake walk wall want warm was wash watch water wave way we weak wear weather week
well went west wet what wheel when where which while white who whole why wide wife wild win wind
window winter wish with without woman wonder wood wool word work world worry write wrong yard year
yellow yes yesterday yet you young your zebra zero beaker beetle bingo cargo casino chico cocoa
combo dingo disco echo ego eagle fico frisco gecko jalapeno judo kilo logo mango meager metro
mosquito pesto peter peeking peeling picking piccolo picker pickle pickup pinto placebo polo poncho
pueblo puma rico seeker sicko solo stucco studio tango tempo tico trio turbo vehicle vertigo
yoyo zico alexa google jarvis nabu marvin sheila computer siri cortana robot haley hayley hazy hey
hail haze ache aid aim ray jay gray
"""

WORDS: tuple[str, ...] = tuple(_WORDS.split())

_SENTENCES = """
What time is it now?
Can you pass me the salt, please?
I think it is going to rain this afternoon.
Where did you put the keys?
She said she would be home by seven.
Turn the music down a little, would you?
The train was twenty minutes late again.
We need milk, eggs and a loaf of bread.
Have you seen my glasses anywhere?
Dinner will be ready in ten minutes.
He has been working on that report all week.
Do you want coffee or tea?
I left my phone in the car.
Let us go for a walk before it gets dark.
The dog needs to go out.
Who was that on the phone?
I will call you back in a moment.
It was so good to see everybody again.
There is a new bakery round the corner.
Did you lock the back door?
My sister is getting married in June.
Could you open the window, it is hot in here.
I have no idea what you mean.
The children are playing in the garden.
You should have told me earlier.
We watched a film about whales last night.
How much does this one cost?
Please leave a message after the tone.
The meeting has been moved to Thursday.
I would like two tickets for the evening show.
That is not what I ordered.
Are we there yet?
The weather in the mountains changes quickly.
Put your shoes on, we are leaving.
She plays the piano and he plays the drums.
I can not find the remote control.
Take the second street on the left.
Happy birthday to you, dear friend.
The washing machine is making a strange noise.
He speaks three languages, but none of them well.
Stop it, both of you, right now.
And now the news at eight o'clock.
The goalkeeper saved it with one hand.
Prices have gone up again this month.
Have a nice weekend, see you on Monday.
I am just looking, thank you.
What would you do if you won the lottery?
The soup is too hot to eat.
They moved to the coast two years ago.
You need to charge the battery overnight.
My back hurts when I sit too long.
It takes about an hour by bus.
We ran out of coffee this morning.
Could I have the bill, please?
The baby has just fallen asleep.
I read about it in the paper.
Keep going straight until you see the church.
Is anybody using this chair?
The cat sat on my keyboard again.
Remember to water the plants.
He was the first person to climb it without oxygen.
Mix the flour with the butter and a pinch of salt.
Sorry, I did not hear what you said.
The lights went out in the whole street.
Let me know when you get there.
This photo was taken in the spring.
She laughed until she cried.
Are you coming with us or staying here?
The printer is out of paper.
I had the strangest dream last night.
Nobody knows where the money went.
Wash your hands before you eat.
A storm is coming in from the west.
We have been waiting here for half an hour.
The old bridge was closed to traffic.
Good morning everyone, let us begin.
It is your turn to do the dishes.
Some people never change.
I would rather stay at home tonight.
The doctor told him to drink more water.
Ten, nine, eight, seven, six, five, four, three, two, one.
He keeps a picture of her in his pocket.
Peter picked a peck of pickled peppers.
The people in the next room are very loud.
Take a break and have a biscuit.
She goes to the gym three times a week.
Hey, how are you doing today?
Hey, wait for me at the station.
Hey, look at that big yellow bird.
Hey everybody, dinner is ready.
Hey Peter, did you bring the ladder?
Hey you, come over here.
Hey, Nico is here, and Rico too.
They eat pizza on the patio.
We saw a weak puppy and a keen old parrot.
The peak of the mountain was covered in snow.
I like the way she speaks.
Speak up a little, I can hardly hear you.
He peeked over the fence and ran away.
Okay, Google it if you do not believe me.
Maybe we could go to Puerto Rico in March.
Pay the people at the counter, please.
Hay is for horses.
Hey, pick up your toys.
Hey, be careful with that.
Hey, keep going.
The taco place is closed on Mondays.
"""

SENTENCES: tuple[str, ...] = tuple(_SENTENCES.strip().splitlines())
