#!/usr/bin/env python3
"""Makes everyday requests for `wellspoken bench hear`: sentences of the catalogue's tests without names of medicines or people and
without numbers, by English speakers, each clean and with noise 12 dB under the speech.

    everyday.py tune|report|foreign DIR NOISE VOICES [COUNT]

NOISE is a folder with the noises of Google's Speech Commands, VOICES those of kokoro-js (see speakers.py). Parts share no voice,
sentence or noise with `tune`. DIR gets clean/ and 12db/, each with 16 kHz WAV files and expected.json. Seeded."""

import json
import pathlib
import random
import re
import sys

import numpy as np
from speakers import English, spoiled, trimmed, voices, write

TESTS = pathlib.Path(__file__).resolve().parents[3] / "intents/tests/en"
SUBJECTS = "nurse call room meal appointment reminder prescription stay dialogue device service careteam facility pharmacy".split()
SAID = re.compile(r'say: *(?:"([^"]+)"|([^,"]+)), intent: [\w.]+.*manner: (?:direct|terse)')
NUMBER = re.compile(r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty|hundred|first|second|third)\b")
# Written in more than one way, or a name.
OTHER = re.compile(r"\b(ok|okay|doctor \w+|dr|gonna|wanna|um|uh|mg|pm|am|a1c)\b", re.I)


def sentences(part):
    known = (TESTS.parents[1] / "lists/medicines.yaml").read_text().lower()
    medicines = set(re.findall(r"[a-z]{6,}", known)) - set("tablet tablets capsule insulin pressure inhaler medicine generic".split())
    found = set()
    for subject in SUBJECTS:
        for line in (TESTS / f"{subject}.yaml").read_text().splitlines():
            said = SAID.search(line)
            text = (said[1] or said[2]).strip() if said else ""
            low = text.lower()
            if 3 <= len(text.split()) <= 13 and not NUMBER.search(low) and not OTHER.search(low) and not set(re.findall(r"[a-z]{6,}", low)) & medicines:
                found.add(text)
    found = sorted(found)
    random.Random(23).shuffle(found)
    return found[::2] if part == "tune" else found[1::2]


def main(part, folder, noises, cast, count=120):
    english, chance = English(cast), random.Random(f"everyday {part}")
    kinds = ["doing_the_dishes"] if part == "tune" else ["running_tap", "pink_noise"]
    noise = [voices.read(pathlib.Path(noises) / f"{kind}.wav") for kind in kinds]
    names, told = english.names(part), {"clean": [], "12db": []}
    said = sentences(part)[: int(count)]
    for i, text in enumerate(said):
        sound = trimmed(english.speak(text, names[i % len(names)], chance.choice([0.9, 1.0, 1.1])))
        peak, place = 10 ** (chance.uniform(-20, -6) / 20), chance.random()
        quiet = sound + np.random.default_rng(i).normal(0, np.abs(sound).max() * 0.002, len(sound))
        for key, heard in [("clean", quiet), ("12db", spoiled(sound, noise[i % len(noise)], 12, place))]:
            (pathlib.Path(folder) / key).mkdir(parents=True, exist_ok=True)
            name = f"{i:03}-{names[i % len(names)]}.wav"
            write(pathlib.Path(folder) / key / name, heard, peak)
            told[key].append({"file": name, "say": text})
        print(f"\r{i + 1} of {len(said)}", end="", flush=True)
    for key, recordings in told.items():
        (pathlib.Path(folder) / key / "expected.json").write_text(json.dumps({"recordings": recordings}, indent=1))
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
