"""The clips that links of a storyboard search for: the one that its film has, else the best of the index."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sora_cli.bounded import file_hash, is_file
from sora_cli.errors import RequestError, SoraError
from sora_cli.storyboard.forms import Wrong
from sora_cli.storyboard.searching import Found, Unable, searched
from sora_cli.storyboard.source import quoted

Place = Callable[[str], Path]
"""Where a film of this title goes."""


class Finder:
    """Finds clips for one storyboard; `place` says where its film goes."""

    def __init__(self, board: Path, place: Place) -> None:
        self._board, self._place = board, place

    def __call__(self, words: str, data: Mapping[str, object]) -> Found:
        """The clip for some words.

        Raises:
            Wrong: nothing is found, or nothing can be looked for.
        """
        title = data.get("title")
        before = self._made(self._place(title if isinstance(title, str) and title.strip() else self._board.stem))
        kept, sha = before.get(words, (None, ""))
        if kept is not None and is_file(kept) and file_hash(kept) == sha:
            return Found(str(kept.resolve()), f"the clip {kept.name}, as in the film that is there")
        found = _best(words)
        return Found(found.path, f"{found.told}; {kept.name}, which it was, is gone" if kept else found.told)

    def _made(self, film: Path) -> Mapping[str, tuple[Path, str]]:
        """What the film that is there was made with, by the words: each file and its hash."""
        from sora_cli.flows import outputs
        from sora_cli.record import sidecar
        from sora_cli.record.film import FilmRecord

        record = FilmRecord.if_whole(sidecar.read(film))
        own = outputs.Maker(command="storyboard", paths=(self._board,))
        if record is None or record.recipe is None or not own.made(record.made_by, film.parent):
            return {}
        sums, links = record.recipe.files, (link for _, link in searched(record.recipe.storyboard))
        named = {str(link["search"]): sums.get(str(link.get("film")), "") for link in links}
        return {words: (film.parent / record.files[sha], sha) for words, sha in named.items() if sha in record.files}


def _best(words: str) -> Found:
    from sora_cli.flows.search import search

    try:
        hits = search(words, {"kind": "clip"}, count=1)
    except RequestError as error:
        raise Wrong(error.message, error.hint) from error
    except SoraError as error:
        raise Unable(error.message, error.hint) from error
    if not hits:
        raise Wrong("no clip is found", "sora index puts the clips of the store into the index")
    entry = hits[0].entry
    told = f"the clip {Path(entry.file).name}, {quoted(entry.words)} ({hits[0].likeness:.2f})"
    return Found(entry.file, told)
