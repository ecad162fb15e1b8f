"""What is tried first: words that lists of stolen passwords are full of, and those that somebody who
knows what this program is would think of. A password that is made of these alone, whatever digits
and signs stand around and between them, is no password.

The list is ours and short: with twelve characters at least, what is common is a common word with
something behind it, or twice.
"""

import re
from functools import cache

WORDS = """
abc abcd abcde account adam admin administrator alex alexander amanda amazon amma andrew angel anil anita anthony apple april arjun
arsenal asdf asdfg asdfgh asdfghj asdfghjk asdfghjkl ashley august austin avengers baba baby babygirl bailey banana bank banking banknifty
barcelona baseball basketball batman bharat biscuit blink bombay bond broker bse buster butterfly buy changeme charlie cheese chelsea
chocolate chris computer corona covid cricket crore dad daniel date december deepak default delhi demo dev dhoni diamond dog donald donkey
dragon durga engine equity eric facebook family february flower football forever freedom friend friends ganesh ganesha george ginger god
gold google guest guitar hanuman happy harley heaven hello hi hindustan home hunter iceman iloveyou india indian infosys instagram
internet jack jai jaihind james january jennifer jesus jordan joshua july june kavita killer king kiss kite kohli krishna kumar lakh
lakshmi laxmi letmein life liverpool login london love lovely lover lucky ma maggie mahadev manchester march market martin master matrix
matthew may merlin michael michelle mine minecraft mobile modi mohan mom monday money monkey mother mumbai mummy murugan naruto nation
nicole nifty nirmala november nse number october om open option options orange otrade ou papa pass passcode passphrase passwd password
pepper pokemon pooja poonam pradeep prakash prince princess priya profit purple qaz qazwsx qwe qwer qwert qwerty qwertyu qwertyui
qwertyuiop radha rahul raj raja rajesh rakesh ram rama ramesh ravi rich robert rohit root rose rupee rupees sachin sai samsung sandeep
sanjay scooter secret secure security sell sensex september service shadow share sharma shiva shivam shree shri silver singh sita soccer
spiderman star stars starwars stock stocks strategy suman summer sunday sunil sunita sunshine super superman support suresh swami system
taylor tech temp tendulkar test tester testing thomas tiger tigger trade trader trading trustno trustnoone tweety unknown upstox user
vijay viper virat vishal wealth web welcome whatever william winner winter wipro yankee yes zaq zerodha zxc zxcv zxcvb zxcvbn zxcvbnm
"""
LOOKS = str.maketrans("@4831!0$57", "aaebiiosst")
"""What is written for a letter."""
ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
RUN_MIN = 3


@cache
def _words() -> frozenset[str]:
    return frozenset(WORDS.split())


def is_common(password: str) -> bool:
    """Whether its letters are common words and rows of the keyboard and nothing else, read as they
    are and with digits and signs as the letters that they look like. What has no letter is common.
    """
    lowered = password.lower()
    if any(letter.isalpha() and not letter.isascii() for letter in lowered):
        return False  # another script: the list knows nothing of it
    readings = (
        lowered,
        lowered.translate(LOOKS),
        re.sub(r"[^a-z]+$", "", lowered).translate(LOOKS),
    )
    return any(_is_made_of_words(re.sub("[^a-z]", "", reading)) for reading in readings)


def _is_made_of_words(letters: str) -> bool:
    """Whether it can be cut into what is common, without a rest."""
    ends = [True] + [False] * len(letters)
    for end in range(1, len(letters) + 1):
        ends[end] = any(ends[at] and _is_piece(letters[at:end]) for at in range(end))
    return ends[-1]


def _is_piece(text: str) -> bool:
    if text in _words():
        return True
    is_run = len(set(text)) == 1 or any(text in row or text[::-1] in row for row in ROWS)
    return is_run and len(text) >= RUN_MIN
