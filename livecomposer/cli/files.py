"""From file to file: `replay`, `generate`, `tokens`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livecomposer.cli.common import (
    CommandError,
    draw_seed,
    load_bundle,
    load_models,
    make_continuation,
    read_midi_file,
    write_parts,
)
from livecomposer.cli.options import (
    EXISTING_FILE,
    NEW_FILE,
    FiniteRange,
    read_config,
    seed_option,
    with_config,
)
from livecomposer.config import Config

if TYPE_CHECKING:
    from livecomposer.music.tokens import Token


@click.command()
@click.argument("performance", metavar="IN", type=EXISTING_FILE)
@click.option("--out", type=NEW_FILE, required=True, help="The MIDI file to write.")
@seed_option
@with_config
def replay(config: Config, performance: Path, out: Path, seed: int | None) -> None:
    """Play a recorded performance into the live core, without waiting.

    IN is a MIDI file. OUT has its notes in a track `player`, and the answers in a track
    `livecomposer`. Of a recording of `play`, what the player did is answered again, as it was then,
    unless --config, --set or --seed say otherwise.
    """
    from livecomposer.live.clock import ScoreClock
    from livecomposer.live.offline import Given, notes_of, timed_messages
    from livecomposer.live.recorder import PLAYER_PART
    from livecomposer.live.replay import HEARD, find_description, heard, play_again
    from livecomposer.midi.files import WRITTEN_DIVISION

    midi = read_midi_file(performance)
    played, ahead_ns, end_ns = timed_messages(midi), 0, None
    given: list[Given] = [*played]
    recorded = find_description(midi.texts)
    if recorded:
        end_ns = max((ns for ns, _ in played), default=0)
        given = heard(read_midi_file(performance, HEARD))
        played = timed_messages(read_midi_file(performance, [PLAYER_PART]))  # controls are no music
        options = click.get_current_context().params
        ahead_ns = recorded.ahead_ns
        config = read_config(options["config_file"], options["assignments"], recorded.settings)
    seed = draw_seed(config, seed)
    models = load_models(config, seed)
    tempo_map = midi.tempo_map
    answered = play_again(
        config, models, ScoreClock(tempo_map), given, seed=seed, ahead_ns=ahead_ns, end_ns=end_ns
    )
    parts = notes_of(played, tempo_map), notes_of(answered, tempo_map)
    write_parts(out, *parts, tempo_map.changes(WRITTEN_DIVISION))
    click.echo(f"{out}: player {len(parts[0])} notes, livecomposer {len(parts[1])} notes")


@click.command()
@click.option("--primer", type=EXISTING_FILE, required=True, help="The MIDI file to go on from.")
@click.option("--beats", type=FiniteRange(0.5, 10_000), required=True, help="How long to go on.")
@click.option("--out", type=NEW_FILE, required=True, help="The MIDI file to write.")
@seed_option
@with_config
def generate(config: Config, primer: Path, beats: float, out: Path, seed: int | None) -> None:
    """Continue a piece, in one go.

    OUT has the primer's notes in a track `player`, and what follows in a track `livecomposer`.
    """
    from livecomposer.live.clock import ScoreClock
    from livecomposer.live.offline import (
        hear,
        notes_of,
        prime,
        timed_messages,
        timed_notes,
    )
    from livecomposer.midi.files import WRITTEN_DIVISION
    from livecomposer.music.events import NoteOn
    from livecomposer.music.tempo import GRID

    midi = read_midi_file(primer)
    played, tempo_map = timed_messages(midi), midi.tempo_map
    events = hear(played, ScoreClock(tempo_map))
    if not any(isinstance(event, NoteOn) for event in events):
        raise CommandError(f"{primer}: it has no notes to go on from")
    parts = notes_of(played, tempo_map)
    bundle = load_bundle(config.model.weights)
    continuation = make_continuation(config, bundle, draw_seed(config, seed))
    primed = prime(events, continuation, bundle.tokeniser)
    primed = primed._replace(touch=primed.touch.asked_for(config.jam))
    notes = primed.go_on(
        length=math.ceil(2 * beats) * GRID,
        max_duration=config.jam.max_duration,
        ways=config.jam.plan,
    )
    answered = timed_notes(notes, config.ports.channel - 1)
    write_parts(out, parts, answered, tempo_map.changes(WRITTEN_DIVISION))
    click.echo(f"{out}: {len(answered)} notes after {len(parts)}")


@click.command()
@click.argument("file", type=EXISTING_FILE)
@click.option("--live", is_flag=True, help="Pass the file through the live path: the same tokens.")
@with_config
def tokens(config: Config, file: Path, live: bool) -> None:
    """Print a file's tokens, one piece a line, as the [tokeniser] settings make them."""
    from livecomposer.music.tokeniser import encode
    from livecomposer.training.corpus import CorpusError, read_pieces

    settings = config.tokeniser.settings
    pieces: Sequence[Sequence[Token]]
    if live:
        from livecomposer.live.clock import ScoreClock
        from livecomposer.live.offline import live_tokens, timed_messages

        midi = read_midi_file(file)
        pieces = [live_tokens(timed_messages(midi), ScoreClock(midi.tempo_map), settings)]
        if not pieces[0]:
            raise CommandError(f"{file}: it has no notes")
    else:
        try:
            pieces = [encode(piece.events(), settings) for piece in read_pieces(file)]
        except CorpusError as error:
            raise CommandError(f"{file}: {error}") from None
    for piece in pieces:
        click.echo(" ".join(map(str, piece)))
