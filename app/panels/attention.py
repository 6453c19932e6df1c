"""What attends to what while a sample is drawn: by layer, head, call, patch and word."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app import theme
from app.panels.attentionmap import QueryMap
from app.panels.attentionmatrix import MatrixView
from app.panels.attentionplaces import PlaceMaps
from app.panels.attentionrecording import RecordingFields
from app.panels.attentionthumbs import HeadGrid, layer_words
from app.panels.attentionwords import WordMaps
from app.panels.samplestrip import SampleStrip
from app.panels.saver import Saver
from app.panels.stepbar import StepBar
from app.theme import set_role
from app.widgets.figures import number
from app.widgets.panel import Card, Panel, add_scrolled, note
from app.widgets.segmented import Segmented
from app.widgets.smallplot import SmallPlot
from app.widgets.tools import quiet_button

if TYPE_CHECKING:
    from app.drawing import Drawing
    from engines.diffusion.artist import Stroke
    from engines.diffusion.capture import Capture
    from engines.diffusion.looking import Choice, Shares, Way
    from engines.diffusion.maps import Known

EMPTY = "Draw samples with attention recorded to see what looks at what"
UNRECORDED = "This drawing was made without recording attention; have the next one recorded"
POINTS = "A model of points has no attention to look at"
FULL = "No attention fits into the memory that is allowed for it; allow more below"
CURE = "record fewer samples or stages, or allow more memory, at the end of this panel"
WAITING = "The next drawing will be recorded; click Draw more"
NO_STAGE = {
    "rollout": "Rollout is made of the softmax of several layers, so this stage has none",
    "": "This stage was not recorded",
}
CALL = "The network is called once a step, by the samplers heun and midpoint twice"
FILTERS = "Arrays (*.npz);;Picture (*.png)"


class AttentionPanel(Panel):
    """Looks into the capture of a drawing; what is put together is chosen here, not there."""

    record_wanted = Signal(bool)
    """Whether the next drawing is to be recorded, with `new_capture`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Attention", parent)
        self.drawing: Drawing | None = None
        self._known: Known = {}
        """Entropies of what is shown."""
        self._stale = False
        self.save = quiet_button("", "Save attention as arrays or as a picture")
        self.save.clicked.connect(self._ask_save)
        self.header.row.addWidget(self.save)
        self.saver = Saver(self)
        self.empty, self.capped = note(), note()
        self.said = self.saver.said
        set_role(self.capped, "warn")
        self.record = QPushButton("Record the next drawing")
        self.record.setCheckable(True)
        self.record.clicked.connect(self.record_wanted)
        self.strip, self.steps = SampleStrip(), StepBar("Call of the network")
        self.steps.words.setToolTip(CALL)
        self.way = Segmented(
            {"head": "Head", "mean": "Mean", "max": "Max", "rollout": "Rollout"}, compact=True
        )
        for way, words in {
            "head": "The chosen head as it is",
            "mean": "The mean over the heads of the chosen layer",
            "max": "The most of all heads of the chosen layer; rows then do not sum to 1",
            "rollout": "All layers up to the chosen one, with the ways around attention; not of "
            "layers that look at words alone",
        }.items():
            self.way.button(way).setToolTip(words)
        self.under = Segmented({"sample": "Sample", "x0": "x0 here"}, compact=True)
        self.under.button("sample").setToolTip("Maps lie on the sample as it became")
        self.under.button("x0").setToolTip("Maps lie on what the model takes it for at this call")
        self.heads, self.map = HeadGrid(), QueryMap()
        self.heads.setToolTip(
            "Patches down and what they look at across; of one patch, or one word, once it is "
            "clicked below"
        )
        self.words, self.matrix, self.places = WordMaps(), MatrixView(), PlaceMaps()
        self.entropy = SmallPlot("Attention entropy over the calls of the network")
        self.recorder, self.recording = RecordingFields(), Card("Recording")
        self._layout()
        self.strip.chosen.connect(self._refresh)
        self.steps.moved.connect(self._refresh)
        self.heads.picked.connect(self._refresh)
        self.way.changed.connect(self._refresh)
        self.under.changed.connect(self._refresh)
        self.map.queried.connect(self.matrix.mark_query)
        self.map.kept.connect(self._show_heads)
        self.map.word_chosen.connect(self._show_heads)
        self.map.word_chosen.connect(self.matrix.mark_word)
        self.matrix.word_picked.connect(self.map.choose_word)
        self.entropy.picked.connect(self.steps.go_to)
        theme.follow(self._recolour)
        self.show_drawing(None)

    def _layout(self) -> None:
        heads, words, matrix = Card("Where patches look"), Card("Words"), Card("Matrix")
        entropy = Card("Entropy over calls")
        entropy.header.title.setToolTip(
            "0: every patch looks at one place or word; 1: at all alike. Every head of the layer "
            "is a line, the chosen one stands out"
        )
        switches = QHBoxLayout()
        switches.addWidget(self.way)
        switches.addStretch(1)
        base = QHBoxLayout()
        base.addWidget(self.under)
        base.addStretch(1)
        heads.body.addLayout(switches)
        heads.body.addWidget(self.heads)
        heads.body.addWidget(self.map)
        heads.body.addLayout(base)
        for card, widget in (
            (words, self.words),
            (matrix, self.matrix),
            (entropy, self.entropy),
            (self.recording, self.recorder),
        ):
            card.body.addWidget(widget)
        self.cards = heads, words, entropy, matrix
        self.places_card = Card("Place embeddings")
        self.places_card.body.addWidget(self.places)
        assert self.recording.header is not None
        self.recording.header.set_value("for the next drawing")
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for widget in (self.empty, self.record, self.capped, self.strip, self.steps, *self.cards):
            column.addWidget(widget)
        column.addWidget(self.places_card)
        column.addWidget(self.recording)
        column.addWidget(self.said)
        column.addStretch(1)
        add_scrolled(self, content)

    # -- what it shows -----------------------------------------------------------------------

    def new_capture(self) -> "Capture":
        """What records as is asked for here; may be called from any thread."""
        return self.recorder.recording.new_capture()

    def show_drawing(self, drawing: "Drawing | None") -> None:
        """Show this, which may be what was shown with some more strokes; None empties it."""
        before, self.drawing = self.drawing, drawing
        if drawing is not None and (before is None or before.order is not drawing.order):
            self.said.hide()
            self._known = {}
            self.steps.stop()
            self.map.forget()
            self.map.choose_word(-1)
            self.steps.show_count(0)
        self._stale = not self.isVisible()
        if not self._stale or drawing is None:
            self._arrange()

    def set_recording(self, on: bool) -> None:
        """Whether the next drawing will be recorded, wherever that was decided."""
        self.record.setChecked(on)
        self._say_empty()

    @property
    def capture(self) -> "Capture | None":
        """What was recorded, if there is anything to look at."""
        capture = None if self.drawing is None else self.drawing.capture
        return capture if capture is not None and capture.kept else None

    @property
    def choice(self) -> "Choice | None":
        """What is looked at: call, layer, head, sample, and how heads are put together."""
        from engines.diffusion.looking import Choice, rows_of

        calls = self._calls()
        if not calls or not self.heads.layer or not self.capture or not self.drawing:
            return None
        ways: dict[str, Way] = {"head": "head", "mean": "mean", "max": "max", "rollout": "rollout"}
        return Choice(
            call=calls[min(self.steps.step, len(calls) - 1)][0],
            layer=self.heads.layer,
            head=self.heads.head,
            way=ways[self.way.value],
            # Of a new drawing there may be fewer than the strip still shows.
            row=min(self.strip.row, rows_of(self.capture, len(self.drawing.strokes[-1].x)) - 1),
        )

    @property
    def stroke(self) -> "Stroke | None":
        """The moment at which the step of the call that is looked at began."""
        calls = self._calls()
        if self.drawing is None or not calls:
            return None
        t = calls[min(self.steps.step, len(calls) - 1)][1]
        return min(self.drawing.strokes, key=lambda stroke: abs(stroke.t - t))

    def showEvent(self, event: QShowEvent) -> None:
        """Show what came while nobody could see it."""
        super().showEvent(event)
        if self._stale:
            self._stale = False
            self._arrange()

    # -- inside ------------------------------------------------------------------------------

    def _calls(self) -> list[tuple[int, float]]:
        from engines.diffusion.looking import calls_of

        if self.capture is None or self.drawing is None:
            return []
        found = calls_of(self.capture)
        # While it is being drawn, the last call may be half recorded.
        return found if self.drawing.ended else found[:-1]

    def _arrange(self) -> None:
        drawing, calls = self.drawing, self._calls()
        shown = bool(calls)
        self._say_empty()
        self.empty.setVisible(not shown)
        self.recording.setVisible(self._empty_words() != POINTS)
        self._show_places()
        self.save.setVisible(shown)
        for widget in (self.strip, self.steps, *self.cards):
            widget.setVisible(shown)
        told = "" if drawing is None or drawing.capture is None else drawing.capture.note
        self.capped.setText(f"{told}; {CURE}")
        self.capped.setVisible(bool(told))
        self.header.set_value("")
        if drawing is None or self.capture is None or not shown:
            return
        from engines.diffusion.looking import rows_of

        pixels = drawing.strokes[-1].bytes_of("x0")
        usable = rows_of(self.capture, len(pixels))
        self.strip.show_samples(pixels, usable=usable)
        self.strip.setToolTip(f"Attention was recorded of the first {usable} samples")
        if self.heads.layer not in self.capture.names():
            layers = self.capture.names("self") or self.capture.names()
            self.heads.choose(layers[len(layers) // 2], 0)
        self.steps.show_count(len(calls))
        self._refresh()

    def _say_empty(self) -> None:
        """Why there is nothing to see, and whether there will be after the next drawing."""
        sentence = self._empty_words()
        offers = sentence in (EMPTY, UNRECORDED)
        self.record.setVisible(offers and not self._calls())
        # The button stays: one that is hidden or disabled gives the focus away, and the panel
        # scrolls after it.
        self.empty.setText(WAITING if offers and self.record.isChecked() else sentence)

    def _show_places(self) -> None:
        """A network has them whether attention was recorded or not."""
        from engines.diffusion.placing import place_similarity

        if self.drawing is None:
            self.places.show_similarity(None)
        else:
            artist = self.drawing.artist
            found = place_similarity(artist.averaged)
            self.places.show_similarity(found, artist.config.places)
        self.places_card.setVisible(self.places.similarity is not None)

    def _empty_words(self) -> str:
        drawing = self.drawing
        if drawing is None or not drawing.strokes:
            return EMPTY
        if len(drawing.artist.shape) != 3:
            return POINTS
        if drawing.capture is None:
            return UNRECORDED
        return FULL if drawing.capture.left_out else "The first call of the network is under way"

    def _pixels(self) -> np.ndarray:
        assert self.drawing is not None
        stroke = self.stroke if self.under.value == "x0" else self.drawing.strokes[-1]
        assert stroke is not None
        return stroke.picture("x0", self.strip.row)

    def _refresh(self) -> None:
        drawing, capture, calls = self.drawing, self.capture, self._calls()
        if drawing is None or capture is None or not calls:
            return
        self._offer_ways(capture)
        choice, pixels = self.choice, self._pixels()
        step = min(self.steps.step, len(calls) - 1)
        self._show_heads()
        shares = None if choice is None else self._shares(choice, "softmax")
        self.map.show_shares(pixels, shares)
        self._show_matrix(choice)
        self._show_entropy()
        self.words.show_words(
            capture,
            calls=[call for call, _ in calls],
            step=step,
            row=self.strip.row,
            words=self._caption(),
            pixels=pixels,
        )
        self.steps.words.setText(
            f"Call {step + 1} of {len(calls)}, noise level t = {number(calls[step][1])}"
        )
        self.header.set_value(self._looked_at(choice))

    def _offer_ways(self, capture: "Capture") -> None:
        """Rollout is of layers in which patches look at patches."""
        words = self.heads.layer in capture.names("cross")
        self.way.button("rollout").setEnabled(not words)
        if words and self.way.value == "rollout":
            with QSignalBlocker(self.way):
                self.way.set_value("head")

    def _caption(self) -> list[str]:
        """The words of the sample that is looked at."""
        from engines.diffusion.looking import words_of

        assert self.drawing is not None
        return words_of(self.drawing.artist, self.drawing.order.wish, self.strip.row)

    def _looked_at(self, choice: "Choice | None") -> str:
        if choice is None:
            return ""
        layer = layer_words(choice.layer)
        ways = {"mean": "mean of heads", "max": "max of heads", "rollout": "rollout"}
        return f"{layer}, {ways.get(choice.way, f'head {choice.head + 1}')}"

    def _shares(self, choice: "Choice", stage: str) -> "Shares | None":
        from engines.diffusion.capture import STAGES
        from engines.diffusion.looking import shares_of

        assert self.capture is not None
        found = next(s for s in STAGES if s == stage)
        return shares_of(self.capture, choice, found, words=self._caption())

    def _show_heads(self) -> None:
        """Matrices as small pictures, or the maps of the patch or the word that was clicked."""
        from engines.diffusion.looking import head_maps

        capture, choice = self.capture, self.choice
        if capture is None or choice is None:
            self.heads.show_maps((), {})
            return
        query, word, maps = self.map.pinned, self.map.word, {}
        grid, words = self._grid(choice), self._caption()
        for item in capture.chosen(calls=[choice.call]):
            found = head_maps(
                item,
                choice.row,
                words=words,
                query=query if item.grid == grid else -1,
                word=word,
            )
            maps |= {(item.layer, head): values for head, values in enumerate(found.numpy())}
        layers = tuple(capture.names())
        self.heads.show_maps(layers, maps)
        whole: set[str] = set()
        if choice.way in ("mean", "max"):
            whole = {choice.layer}
        elif choice.way == "rollout":
            patches = [name for name in layers if name not in capture.names("cross")]
            whole = set(patches[: patches.index(choice.layer) + 1])
        self.heads.mark_layers(frozenset(whole))

    def _grid(self, choice: "Choice") -> tuple[int, int] | None:
        shares = self._shares(choice, "softmax")
        return None if shares is None else shares.grid

    def _show_matrix(self, choice: "Choice | None") -> None:
        stages = ("scores", "masked", "softmax")
        found = {s: None if choice is None else self._shares(choice, s) for s in stages}
        way = "" if choice is None else choice.way
        self.matrix.show_stages(found, NO_STAGE.get(way, NO_STAGE[""]))
        self.matrix.mark_query(self.map.query)

    def _show_entropy(self) -> None:
        from engines.diffusion.looking import entropies

        capture, choice = self.capture, self.choice
        if capture is None or choice is None:
            self.entropy.show_lines(np.empty((0, 0)))
            return
        places = {call: i for i, (call, _) in enumerate(self._calls())}
        calls, values = entropies(
            capture, choice.layer, choice.row, words=self._caption(), known=self._known
        )
        kept = [i for i, call in enumerate(calls) if call in places]
        lines = np.full((values.shape[1], len(places)), np.nan)
        lines[:, [places[calls[i]] for i in kept]] = values[kept].T.numpy()
        self.entropy.show_lines(lines, strong=choice.head, step=self.steps.step, high=1.0)
        header = self.cards[2].header
        if header is not None:
            now = lines[choice.head, min(self.steps.step, lines.shape[1] - 1)]
            header.set_value(f"head {choice.head + 1}: {number(float(now), 2)}")

    # -- asked for ---------------------------------------------------------------------------

    def _ask_save(self) -> None:
        path = self.saver.ask(self, "Save attention", "attention.npz", FILTERS)
        if path is not None:
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Write all that was recorded (.npz) or the map and words as shown (.png)."""
        from engines.diffusion.labelled import Labelled
        from engines.diffusion.looking import rows_of
        from engines.diffusion.mapfiles import write_maps

        if self.drawing is None or self.capture is None or self.saver.busy:
            return
        count = rows_of(self.capture, len(self.drawing.strokes[-1].x))
        tiles = self.words.tiles
        shown = [(self.map.picture.pixels, self.map.of_what)]
        shown += zip(tiles.pictures, tiles.words, strict=True)
        pictures = [
            Labelled(pixels=pixels, words=words) for pixels, words in shown if pixels is not None
        ]
        write = partial(
            write_maps,
            capture=self.capture,
            rows=count,
            places=self.places.similarity,
            pictures=pictures,
            heading=self._heading(),
        )
        self.saver.save(path, write, "Writing attention")

    def _heading(self) -> str:
        """What a picture of the panel shows: sample, call, layer and head, and those of words."""
        moment = self.steps.words.text().removeprefix("Call ")
        parts = [f"Sample {self.strip.row + 1}, call {moment}"]
        if self.choice is not None:
            parts.append(f"Map: {self._looked_at(self.choice)}")
        if self.words.tiles.pictures:
            parts.append(f"Words: {self.words.over_what}")
        return ". ".join(parts)

    def _recolour(self) -> None:
        self.save.setIcon(theme.icon("mdi6.content-save-outline"))
