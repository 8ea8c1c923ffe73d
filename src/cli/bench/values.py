#!/usr/bin/env python3
"""Makes the corpora of `wellspoken bench values`: days, times and readings, as answers to what slots ask, and what is neither, in
synthetic voices and noise.

    values.py tune DIR NOISE VOICES      for finding thresholds: ten speakers, half in the noise of dishes
    values.py report DIR NOISE VOICES    for reporting: five other speakers, half in tap or pink noise

The voices, the noises and what is needed are those of answers.py; each part draws its own answers. DIR gets 16 kHz WAV files and
values.json."""

import json
import pathlib
import random
import sys

from answers import NEITHER, REPORT, TUNE, lines
from speakers import English, spoiled, trimmed, voices, write

TEENS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
TENS = "x x twenty thirty forty fifty sixty seventy eighty ninety"
ORDINALS = "x first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth"
ORDINALS += " sixteenth seventeenth eighteenth nineteenth twentieth"
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday".split()
PARTS = ["morning", "afternoon", "evening"]
# The slots of connected actions that ask for such a value.
DATES = ["appointment.book/date", "appointment.reschedule/date", "urgent_care.book/date"]
TIMES = ["medicine.remind/time"]
READINGS = ["reading.log/value", "reading.correct/value"]
LEVELS = ["room.control/value"]
# Beside what is neither yes nor no: near to a number or a day in sound, or a request of its own.
OTHERS = """For you.|Too late.|Who won?|I ate already.|To the right.|Someday.|Maybe.|Fine.|Heaven.|A sunny day.|Never mind.|
Let me check.|Turn on the light.|My back hurts.|Call my daughter.|Is it raining?|What did you say?|Can I have some water?|
I can't find it.|Marching on.|Free parking.|Often.|Good heavens.|Ask my wife."""


def below_hundred(n):
    if n < 20:
        return TEENS.split()[n]
    tens, ones = divmod(n, 10)
    return TENS.split()[tens] + (" " + TEENS.split()[ones] if ones else "")


def ordinal(n):
    if n <= 20:
        return ORDINALS.split()[n]
    return "thirtieth" if n == 30 else below_hundred(n - n % 10) + " " + ORDINALS.split()[n % 10]


def number(n, chance):
    """As readings are said: "one fifteen", "one hundred and fifteen", "a hundred fifteen", "one oh five"."""
    hundreds, rest = divmod(n, 100)
    if not hundreds:
        return below_hundred(n)
    if rest and chance.random() < 0.6:
        return below_hundred(hundreds) + " " + ("oh " if rest < 10 else "") + below_hundred(rest)
    head = chance.choice(["a", "one"]) if hundreds == 1 else below_hundred(hundreds)
    return f"{head} hundred" + (chance.choice([" and ", " "]) + below_hundred(rest) if rest else "")


def clock(chance):
    hour = below_hundred(chance.randint(1, 12))
    minutes = chance.choice(["fifteen", "thirty", "forty five", "twenty", "ten", "fifty"])
    plain = [f"half past {hour}", f"quarter past {hour}", f"quarter to {hour}", f"{hour} {minutes}", f"{hour} o'clock"]
    return chance.choice([*plain, f"{hour} {minutes}", f"{hour} {chance.choice(['a.m.', 'p.m.'])}", "noon", f"{hour} in the morning"])


def day(chance):
    name, month = chance.choice(DAYS), chance.choice(MONTHS)
    nth = ordinal(chance.randint(1, 30 if month != "February" else 28))
    return chance.choice(
        [name, f"next {name}", f"this {name}", f"{name} {chance.choice(PARTS)}", f"tomorrow {chance.choice(PARTS)}", "tomorrow",
         f"the {nth} of {month}", f"{month} {nth}", f"{month} the {nth}", f"the {nth}", f"{name} at {clock(chance)}",
         f"{month} {nth} at {clock(chance)}", "next week", "in two weeks", f"a week from {name}", "the day after tomorrow"]
    )  # fmt: skip


def pressure(chance):
    upper = chance.randint(96, 178)
    return f"{number(upper, chance)} {chance.choice(['over', 'over', 'over', 'on'])} {number(chance.randint(55, min(104, upper - 20)), chance)}"


def reading(chance):
    degrees, tenth = chance.randint(96, 103), below_hundred(chance.randint(1, 9))
    return chance.choice(
        [number(chance.randint(70, 260), chance), number(chance.randint(70, 260), chance), f"{number(chance.randint(105, 248), chance)} pounds",
         f"{number(chance.randint(105, 248), chance)} point {tenth}", f"{below_hundred(chance.randint(48, 99))} kilos",
         f"{below_hundred(chance.randint(86, 99))} percent", f"{number(degrees, chance)} point {tenth}", f"thirty {chance.choice(['six', 'seven', 'eight'])} point {tenth}",
         f"{below_hundred(chance.randint(52, 99))} beats a minute", below_hundred(chance.randint(50, 99))]
    )  # fmt: skip


def level(chance):
    return chance.choice([below_hundred(chance.randint(2, 40)), f"{below_hundred(chance.randint(64, 78))} degrees", below_hundred(chance.randint(64, 78))])


def said(chance, rounds):
    """(kind, what is asked, what is said)"""
    wrapped = lambda text, heads: (chance.choice(heads) + text) if chance.random() < 0.3 else text
    whole = lambda text: text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")
    for _ in range(rounds):
        for _ in range(6):
            yield "day", chance.choice(DATES), whole(wrapped(day(chance), ["on ", "how about ", "I'd like "]))
        for _ in range(3):
            yield "time", chance.choice(TIMES), whole(wrapped(clock(chance), ["at "]))
        for _ in range(3):
            yield "pressure", chance.choice(READINGS), whole(wrapped(pressure(chance), ["it's ", "it was "]))
        for _ in range(5):
            yield "reading", chance.choice(READINGS), whole(wrapped(reading(chance), ["it's ", "it was "]))
        yield "level", chance.choice(LEVELS), whole(level(chance))
        others = [t for t in lines(NEITHER) + lines(OTHERS) if t not in ("Yesterday.", "Tuesday.")]
        for text in chance.sample(others, 6):
            yield "neither", chance.choice(DATES + TIMES + READINGS), text


def main(part, folder, noises, cast):
    folder, chance = pathlib.Path(folder), random.Random(f"values {part}")
    folder.mkdir(parents=True, exist_ok=True)
    kinds = ["running_tap", "pink_noise"] if part == "report" else ["doing_the_dishes"]
    noise = {k: voices.read(pathlib.Path(noises) / f"{k}.wav") for k in kinds}
    english, cases = English(cast), []
    for voice in TUNE if part == "tune" else REPORT:
        for n, (means, asked, text) in enumerate(said(chance, 1 if part == "tune" else 2)):
            speed, kind = chance.uniform(0.9, 1.2), chance.choice(kinds) if chance.random() < 0.5 else None
            snr, place = chance.uniform(10, 20), chance.random()
            file, (intent, slot) = f"{voice}-{n:02}.wav", asked.split("/")
            case = {"file": file, "say": text, "means": means, "intent": intent, "slot": slot}
            cases.append(case | {"voice": voice, "noise": kind, "snr": kind and round(snr, 1)})
            if not (folder / file).exists():
                sound = trimmed(english.speak(text, voice, speed))
                write(folder / file, spoiled(sound, noise[kind], snr, place) if kind else sound)
        print(voice, len(cases), flush=True)
    (folder / "values.json").write_text(json.dumps({"cases": cases}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
