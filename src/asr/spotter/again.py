#!/usr/bin/env python3
"""Makes weights.onnx better at cries in noise, and at short answers that are none.

    again.py speak DIR VOICES      short answers, words that sound like "nurse" and "help", and more cries, beside the clips that
                                   `make.py speak` left in DIR: by the speakers for tuning of the npm package kokoro-js (VOICES;
                                   src/cli/bench/speakers.py says where they come from), mixtures of them, espeak-ng and flite
    again.py learn DIR NOISE KITCHEN DIGITS COMMANDS [STEPS]
                                   learns on from weights.onnx as it is. The first 35 % of each recording of NOISE (a folder with
                                   doing_the_dishes.wav, dude_miaowing.wav, pink_noise.wav and running_tap.wav of Google's Speech
                                   Commands) and of KITCHEN (kitchen.wav of Picovoice's speech-to-intent benchmark) lie under the
                                   voices and are heard alone. What is no cry, too: two speakers of DIGITS (the Free Spoken Digit
                                   Dataset), and the first half of COMMANDS (the folder `speech` of that benchmark)

The weights in force were learned by make.py before it had `above`, with 48 and 64 channels, then by this three times: 4,000 steps
with as many channels, 7,000 with those of now, 4,000 at half the pace with 10,000 examples of talk across a room added. Real people are heard in it saying what is no cry; nobody's real cry is. Needs what
make.py needs. OMP_NUM_THREADS=1 makes it faster."""

import hashlib
import importlib.util
import json
import pathlib
import random
import sys

import make
import numpy as np
import scipy.signal as ss
from make import HERE, LAYERS, RATE, lines, read, rng, shouted, spoiled, talk

# What people answer, and what sounds like "nurse" and "help".
SHORT = """yes|yeah|yep|yes please|yes, this|yes it is|yes I did|no|nope|nah|no thank you|not now|not yet|okay|okay then|sure|correct|right
that's right|that's wrong|stop|stop it|wait|go on|go ahead|never mind|thanks|thank you|please|hello|hey|good morning|good night|bye
what|why|who|when|where|which|really|maybe|worse|much worse|purse|first|the first|nervous|nerves|mercy|thirst|thirsty|nose|nice|nest|next
the next one|north|verse|curse|church|search|learn|turn|nothing|number|name|niece|knows|noise|news|nursery|rehearse|universe|reverse
this|miss|mess|less|chess|guess|dress|press|is it|it hurts|dessert|skirt|shirt|work|word|world|earth|girl|burst|birth|surf
health|held|hell|well|shelf|self|kelp|elf|hill|hole|hope|hop|hub|hello again|heap|health check|how|up|cup|cap|map|lamp|welcome
breathe out|bread|breeze|reading|brief|leave|believe|zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve
metformin|lisinopril|aspirin|insulin|ibuprofen|warfarin|amlodipine|atorvastatin|furosemide|gabapentin|sertraline|omeprazole|nitrofurantoin
water|tea|coffee|juice|lights on|lights off|turn it up|louder|quieter|play music|volume down|repeat that|say it again|again|back|today
tomorrow|Tuesday|Thursday|Saturday|March|August|morning|Margaret|Herbert|Ernest|Nora|Noah|Vincent|Percy|Bertha"""
CRIES = """help!|help!|help!|nurse!|nurse!|nurse!|help me!|help me!|help! help!|help, help!|nurse, help!|somebody help!|somebody help me!
nurse! nurse!|I can't breathe!|please help!"""
TRIED = ["am_echo", "bf_alice"]  # speakers for tuning that are not learned from but tried


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def speak(folder, voices):
    speakers = load(make.REPO / "src/cli/bench/speakers.py")
    english, chance, told, scratch = speakers.English(voices), random.Random(31), [], folder / "styles"
    learned = [n for n in speakers.TUNE if n not in TRIED]
    styles = {n: np.fromfile(voices / f"{n}.bin", np.float32).reshape(-1, 1, 256)[:510] for n in speakers.TUNE}
    short, near = ([(t, "-") for t in lines(texts)] for texts in (SHORT, make.OTHERS))
    label = lambda t: "b" if "help" in t and "nurse" in t else "n" if "nurse" in t else "c"
    cries = [(t, label(t)) for t in lines(CRIES)]
    longer = [(t, kind) for texts, kind in ((make.CRIES, "c"), (make.NURSE, "n"), (make.BOTH, "b")) for t in lines(texts)]
    scratch.mkdir(parents=True, exist_ok=True)
    english.folder = scratch  # where its speakers are read from: mixtures lie beside the others

    def keep(sound, text, label, voice, kokoro):
        loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max() + 1e-9)
        if len(loud):
            sound = sound[max(0, loud[0] - 320) : loud[-1] + 800]
            name = hashlib.sha1(f"again{voice}|{text}|{len(told)}".encode()).hexdigest()[:12] + ".npy"
            np.save(folder / name, (sound / (np.abs(sound).max() + 1e-9) * 0.7 * 32767).astype(np.int16))
            part = "try" if voice in TRIED else "learn"
            told.append({"file": name, "text": text, "label": label, "voice": voice, "part": part, "kokoro": kokoro})

    def style():
        draw = chance.random()
        if draw < 0.5:
            name = chance.choice(TRIED if draw < 0.15 else learned)
            return styles[name], name, name
        if draw < 0.6:
            return english.mixed(chance), "mixed", "af_mixed"
        parts = {n: chance.random() + 0.1 for n in chance.sample(learned, chance.choice([2, 2, 3]))}
        mixed = sum(w * styles[n] for n, w in parts.items()) / sum(parts.values())
        mixed = mixed + np.random.default_rng(chance.randint(0, 1 << 30)).normal(0, 0.04, mixed.shape[1:])
        return mixed, "mixed", min(parts)[0] + "f_mixed"

    for text, label in short * 10:
        voice = chance.choice(make.ACCENTS) + chance.choice(make.VARIANTS)
        keep(make.espeak(text, voice, chance.randint(15, 90), chance.randint(110, 250)), text, label, voice, False)
    for voice in ["kal", "awb", "rms"]:
        for text, label in short:
            keep(make.flite(text, voice, chance.choice([0.8, 1.0, 1.25]), folder), text, label, voice, False)
    for text, label in short * 5 + cries * 28 + longer * 6 + near * 3 + [(t, "-") for t in make.others()[:100]]:
        drawn, voice, file = style()
        np.asarray(drawn, np.float32).tofile(scratch / f"{file}.bin")
        said = text if label != "-" else text + chance.choice(["", ".", "!", "?"])
        keep(english.speak(said, file, chance.uniform(0.75, 1.4)), text, label, voice, True)
    (folder / "again.json").write_text(json.dumps(told))
    print(len(told), "clips")


# --- spoiling ---------------------------------------------------------------------------------------------------------------


def active(sound):
    """Loudness where there is any."""
    frames = (sound[: len(sound) // 320 * 320].reshape(-1, 320) ** 2).mean(1)
    return np.sqrt(frames[frames > 0.01 * frames.max()].mean()) + 1e-9


def noise_of(recordings, quiet, n):
    """Of a recording at another pace, in another colour, with somebody who talks."""
    sound = recordings[rng.integers(len(recordings))]
    sound = np.tile(sound, n // len(sound) + 2)
    at = rng.integers(0, len(sound) - n + 1)
    sound = sound[at : at + n].astype(np.float64)
    if rng.random() < 0.5:
        sound = np.interp(np.arange(n) * rng.uniform(0.85, 1.2) % (n - 1), np.arange(n), sound)
    if rng.random() < 0.5:
        tilt, (b, a) = 10 ** (rng.uniform(-6, 6) / 20), ss.butter(1, rng.uniform(500, 4000) / 8000)
        sound = sound + (tilt - 1) * ss.lfilter(b, a, sound)
    if rng.random() < 0.25:
        sound = sound + talk(n, quiet) * np.abs(sound).max() * rng.uniform(0.2, 1)
    return sound


def placed(sound):
    """Somewhere in up to four seconds."""
    sound = sound[: int(3.4 * RATE)]
    n = min(max(int(rng.uniform(1.3, 4) * RATE), len(sound) + int(rng.uniform(0.05, 0.9) * RATE)), 4 * RATE)
    at, out = rng.integers(0, max(1, n - len(sound) + 1)), np.zeros(n)
    out[at : at + len(sound)] = sound[: n - at]
    return out


def paced(sound, fastest):
    sound = sound / 32767 if sound.dtype == np.int16 else sound
    return np.interp(np.arange(0, len(sound) - 1, rng.uniform(0.85, fastest)), np.arange(len(sound)), sound)


def plain(sound):
    """As it is, in digital silence or nearly."""
    sound = placed(paced(sound, 1.25))
    return (sound + rng.standard_normal(len(sound)) * rng.choice([0, 1e-5, 1e-4, 1e-3])).astype(np.float32)


def noisy(sound, recordings, quiet, cry):
    """In real noise; a cry shorter and higher than the voice has it."""
    sound = paced(sound, 1.55 if cry else 1.25)
    if rng.random() < (0.5 if cry else 0.25):
        sound = shouted(sound)
    if rng.random() < 0.5:
        sound = ss.fftconvolve(sound, make.room())[: len(sound) + 3000]
    out = placed(sound)
    noise = noise_of(recordings, quiet, len(out))
    level = np.sqrt((noise**2).mean()) + 1e-9
    return (out + noise / level * active(sound) / 10 ** (rng.uniform(-3, 22) / 20)).astype(np.float32)


def far(sound):
    """Across a room: what comes back from its walls is as loud as what comes straight."""
    n = int(rng.uniform(0.25, 0.7) * RATE)
    echo = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
    echo *= rng.uniform(0.4, 2) / np.sqrt((echo**2).sum())
    echo[0] = 1
    return ss.fftconvolve(sound, echo)


def distant(sound, recordings, quiet):
    """Somebody far away, or a television, in little noise."""
    sound = far(sound)
    if rng.random() < 0.4:
        b, a = ss.butter(2, [150 / 8000, 5500 / 8000], "band")
        sound = ss.lfilter(b, a, sound)
    out, draw = placed(sound), rng.random()
    n = len(out)
    noise = make.pink(n) if draw < 0.5 else np.resize(make.music(), n) if draw < 0.7 else noise_of(recordings, quiet, n)
    level = np.sqrt((noise**2).mean()) + 1e-9
    return (out + noise / level * active(sound) / 10 ** (rng.uniform(5, 35) / 20)).astype(np.float32)


def conversation(quiet):
    """One after the other, or both at once."""
    out, at = np.zeros(4 * RATE), 0
    while at < len(out):
        clip = paced(quiet[rng.integers(len(quiet))], 1.25)
        clip = clip[int(rng.uniform(0, 0.5) * len(clip)) if at == 0 else 0 :]
        out[at : at + len(clip)] += clip[: len(out) - at] / active(clip)
        at += max(RATE // 2, len(clip) + int(rng.uniform(-0.3, 1.5) * RATE))
    return out[: int(rng.uniform(2, 3.4) * RATE)]


# --- learning ---------------------------------------------------------------------------------------------------------------


def examples(folder, recordings, spoken):
    """Everything as it is, spoiled and in real noise; real noise alone; people talking over noise and music. `spoken` are
    recordings in which nobody cries."""
    told, clips, quiet = make.spoken(folder, "told", "again")
    found = make.Examples()
    add = found.add

    for c, clip in zip(told, clips):
        cry, nurse, kokoro = c["label"] in "cb", c["label"] in "nb", c.get("kokoro", False)
        short = len(c["text"].split()) <= 3
        # How often as it is, spoiled, in real noise.
        times = ((2, 2, 10) if kokoro else (2, 2, 3)) if cry or nurse else ((2, 2, 6) if kokoro else (1, 1, 2)) if short else (0, 1, 2)
        for _ in range(times[0]):
            add(plain(clip), cry, nurse)
        for _ in range(times[1]):
            add(spoiled(clip, quiet), cry, nurse)
        for _ in range(times[2]):
            add(noisy(clip, recordings, quiet, cry or nurse), cry, nurse)
    for clip in spoken:
        for _ in range(3):
            add(plain(clip), 0, 0)
            add(spoiled(clip, quiet), 0, 0)
            add(noisy(clip, recordings, quiet, False), 0, 0)
    for i in range(1000):
        add(spoiled(make.scream(), quiet) if i % 2 else noisy(make.scream(), recordings, quiet, True), 1, 0)
    for i in range(500):
        add(spoiled(make.music(), quiet) if i % 5 < 3 else [make.pink, make.hum, make.beeps][i % 3](3 * RATE).astype(np.float32), 0, 0)
    for _ in range(3000):
        add(noise_of(recordings, quiet, int(rng.uniform(1.3, 4) * RATE)).astype(np.float32), 0, 0)
    for i in range(3000):
        n = int(rng.uniform(2, 4) * RATE)
        said, under = talk(n, quiet), noise_of(recordings, quiet, n) if i % 2 else np.resize(make.music(), n)
        add((said / np.abs(said).max() + under / np.abs(under).max() * rng.uniform(0.02, 0.7)).astype(np.float32), 0, 0)
    cries = [(c, clip) for c, clip in zip(told, clips) if c["label"] != "-"]
    for _ in range(3000):
        c, clip = cries[rng.integers(len(cries))]
        sound = paced(clip, 1.55)
        sound = shouted(sound) if rng.random() < 0.5 else sound
        add(distant(sound, recordings, quiet), c["label"] in "cb", c["label"] in "nb")
    for _ in range(7000):
        add(distant(conversation(quiet), recordings, quiet), 0, 0)
    return found.all()


def kept():
    """The weights as they are. Where layers have become wider, what is new has no effect to begin with."""
    import onnx
    from onnx import numpy_helper

    named = {t.name: numpy_helper.to_array(t) for t in onnx.load(HERE / "weights.onnx").graph.initializer}
    chance, weights = np.random.default_rng(1), []
    for n, (i, o, k) in enumerate([layer[:3] for layer in LAYERS] + [(LAYERS[-1][1], 2, 1)]):
        w, b = named[f"w{n}"].transpose(2, 1, 0), named[f"b{n}"]
        wide = chance.normal(0, np.sqrt(2 / (k * i)), (k, i, o))
        wide[:, w.shape[1] :, : w.shape[2]] = 0
        wide[:, : w.shape[1], : w.shape[2]] = w
        weights.append((wide.astype(np.float32), np.pad(b, (0, o - len(b)))))
    return weights


def learn(folder, noise, kitchen, digits, commands, steps, pace=2e-3):
    recordings = [read(path) for path in sorted(noise.glob("*.wav"))] + [read(kitchen)] * 3
    recordings = [sound[: len(sound) * 35 // 100] for sound in recordings]
    spoken = [read(path) for name in ("george", "lucas") for path in sorted(digits.glob(f"*_{name}_*.wav"))]
    first = sorted(commands.glob("*.wav"))
    spoken += [read(path) for path in first[: len(first) // 2]]
    make.learn(folder, lambda folder: examples(folder, recordings, spoken), kept(), pace, steps, 64)


def main():
    match sys.argv[1:]:
        case ["speak", folder, voices]:
            speak(pathlib.Path(folder), pathlib.Path(voices))
        case ["learn", folder, noise, kitchen, digits, commands, *steps]:
            learn(*map(pathlib.Path, (folder, noise, kitchen, digits, commands)), int(steps[0]) if steps else 7000)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
