"""What the commands share: errors, and building the core from a config."""

import logging
import secrets
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livecomposer.config import Config
from livecomposer.config_file import SHIPPED_WEIGHTS, find_file, find_weights
from livecomposer.extras import install_command

if TYPE_CHECKING:
    from livecomposer.live.continuation import Continuation
    from livecomposer.live.tuning import LoadedModel
    from livecomposer.midi.files import MidiFile, TimedNote
    from livecomposer.model.bundle import Bundle
    from livecomposer.model.engine import StepEngine
    from livecomposer.music.events import Event
    from livecomposer.training.corpus import Piece

log = logging.getLogger(__name__)

FAILED, WRONG_USAGE, NO_MIDI = 1, 2, 3


class CommandError(click.ClickException):
    """Ends the command with one line and an exit code."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click declares it for the class


def say(text: str) -> None:
    """Print, if anybody reads it: the music goes on."""
    with suppress(OSError):
        click.echo(text)


def no_midi(reason: Exception) -> CommandError:
    """There is no usable MIDI system, or it won't give the ports."""
    ways = "`livecomposer doctor` looks closer; `livecomposer demo --monitor` needs no MIDI"
    return CommandError(f"{reason} ({ways})", NO_MIDI)


def require(extra: str, *libraries: str, what: str = "") -> None:
    """Refuse to begin without libraries of an extra.

    Args:
        extra: by its name.
        libraries: modules of its packages.
        what: needs them, if not the whole command.
    """
    for library in libraries:
        if find_spec(library) is None:
            what = what or str(click.get_current_context().info_name)
            raise CommandError(f"{what} needs {library}: {install_command(extra)}")


def read_corpus(
    sources: Sequence[str],
    instrument: str | None = None,
    *,
    machine: bool = False,
    cluster: str | None = None,
) -> "list[Piece]":
    """The pieces of files, folders and built-in corpora. Files that gave none are reported."""
    from livecomposer.training import corpus
    from livecomposer.training.cache import default_cache

    try:
        programs = corpus.parse_instrument(instrument) if instrument else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--instrument") from None
    try:
        files = corpus.find_files(sources)
    except corpus.CorpusError as error:
        raise CommandError(str(error), WRONG_USAGE) from None
    try:
        found = corpus.load_corpus(
            files,
            selection=corpus.Selection(programs, machine),
            cache=default_cache(),
            cluster=cluster,
            progress=True,
        )
    except corpus.CorpusError as error:
        raise CommandError(str(error)) from None
    for name, reason in found.skipped:
        click.echo(f"skipped {_as_given(name)}: {reason}", err=True)
    return found.pieces


def _as_given(name: str) -> str:
    """A file's name: of the built-in corpus, as a user gives it, wherever it is installed."""
    _, found, inside = name.partition(str(Path("music21", "corpus", "x"))[:-1])
    return f"music21:{inside}" if found else name


def load_bundle(weights: str) -> "Bundle":
    """Weights, by their name or path."""
    from livecomposer.model.bundle import BundleError, load

    path, trusted = find_weights(weights), weights in SHIPPED_WEIGHTS
    try:
        return load(path, trusted=trusted)
    except BundleError as error:
        # Where the package is installed is nothing that the user has said.
        said = str(error).replace(str(path), weights) if trusted else str(error)
        raise CommandError(said) from None


def draw_seed(config: Config, seed: int | None = None) -> int:
    """A seed that was given, or the config's, or one by chance."""
    if seed is None:
        configured = config.sampling.seed
        seed = secrets.randbits(32) if configured == "random" else configured
    log.info("weights %s, engine %s, seed %d", config.model.weights, config.model.engine, seed)
    return seed


def make_continuation(config: Config, bundle: "Bundle", seed: int) -> "Continuation":
    """The model, warmed up."""
    import numpy as np  # not needed to print a help text

    from livecomposer.live.continuation import Continuation
    from livecomposer.music.constraints import NothingAllowedError

    rng = np.random.default_rng(seed)
    try:
        return Continuation(bundle, make_engine(config, bundle), config.sampling, rng)
    except NothingAllowedError as error:
        raise CommandError(f"[sampling]: {error}", WRONG_USAGE) from None


def load_models(config: Config, seed: int) -> "list[LoadedModel]":
    """All the weights that the config names, ready to play."""
    from livecomposer.live.recorder import MACHINE_PART, PLAYER_PART
    from livecomposer.live.tuning import LoadedModel
    from livecomposer.music.events import NoteOn
    from livecomposer.music.keys import KeyFinder
    from livecomposer.music.memory import SIZE
    from livecomposer.music.tokeniser import encode

    memory = _events_of("memory_from", config.jam.memory_from, (PLAYER_PART,))
    primer = _events_of("primer", config.jam.primer, (PLAYER_PART, MACHINE_PART))
    keys = KeyFinder()
    for event in primer:
        if isinstance(event, NoteOn):
            keys.hear(event.tick, event.pitch)
    models = []
    for name in (config.model.weights, *config.model.others):
        bundle = load_bundle(name)
        continuation = make_continuation(config, bundle, seed)
        continuation.remember(encode(memory, bundle.tokeniser)[-SIZE:])
        for token in encode(primer, bundle.tokeniser)[-bundle.architecture.context :]:
            continuation.hear(token)
        continuation.follow(keys.key)
        models.append(LoadedModel(name, continuation, bundle.tokeniser))
    return models


def _events_of(setting: str, path: str, parts: Collection[str]) -> "list[Event]":
    """What is heard of a MIDI file that the config names, if any: of a recording, these parts."""
    if not path:
        return []
    from livecomposer.live.clock import ScoreClock
    from livecomposer.live.offline import hear, timed_messages
    from livecomposer.live.recorder import CONTROLS_PART
    from livecomposer.midi.files import MidiFileError, read_midi
    from livecomposer.music.events import NoteOn

    try:
        file = find_file(path)
        midi = read_midi(file)
        if CONTROLS_PART in midi.tracks:
            midi = read_midi(file, tracks=parts)
    except MidiFileError as error:
        raise CommandError(f"jam.{setting} = {path!r}: {error}", WRONG_USAGE) from None
    events = hear(timed_messages(midi), ScoreClock(midi.tempo_map))
    if not any(isinstance(event, NoteOn) for event in events):
        raise CommandError(f"jam.{setting} = {path!r}: it has no notes", WRONG_USAGE)
    return events


def make_engine(config: Config, bundle: "Bundle") -> "StepEngine":
    """What computes the network, as the config says."""
    if config.model.engine == "numpy":
        from livecomposer.model.engine import Engine

        return Engine(bundle)
    try:
        from livecomposer.model.keras_engine import KerasEngine
    except ImportError:
        raise CommandError(
            f"model.engine = 'keras' needs TensorFlow: {install_command('train')}"
        ) from None
    return KerasEngine(bundle)


def read_midi_file(path: Path, tracks: Collection[str] | None = None) -> "MidiFile":
    """A MIDI file that was named on the command line, or some of its tracks."""
    from livecomposer.midi.files import MidiFileError, read_midi

    try:
        return read_midi(path, tracks=tracks)
    except MidiFileError as error:
        raise CommandError(f"{path}: {error}") from None


def write_parts(
    path: Path,
    played: "Iterable[TimedNote]",
    answered: "Iterable[TimedNote]",
    tempo_changes: Iterable[tuple[int, int]],
) -> None:
    """Write both parts of a jam to a MIDI file."""
    from livecomposer.midi.files import write_midi

    try:
        write_midi(path, [("player", played), ("livecomposer", answered)], tempo_changes)
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from None
