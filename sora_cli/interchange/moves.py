"""How the camera moves, in other languages than English and in short, as storyboards say it."""

from __future__ import annotations

import re

from sora_cli import terms
from sora_cli.interchange.words import framing

_WORDS = {
    "pan": "schwenk schwenkt kameraschwenk panoramique pano panorâmica panorámica panoramica paneo paneado panorering "
    "panning панорама панорамирование sväng",
    "tilt": "neigen neigung neigt inclinación inclinaison",
    "left": "l links linker gauche izquierda izda sinistra esquerda влево налево lewo vänster venstre",
    "right": "r rechts rechter droite derecha dcha destra direita вправо направо prawo höger højre",
    "up": "hoch oben aufwärts haut arriba alto cima вверх górę upp op",
    "down": "runter unten abwärts bas abajo basso baixo вниз dół ned",
    "in": "ran rein heran avant adelante avanti frente ближе",
    "out": "weg raus zurück arrière atrás indietro trás",
    "dolly": "kamerafahrt fahrt travelling traveling carrello",
    "dolly in": "наезд",
    "zoom": "zum зум",
    "static": "statisch statische statischer stehend feststehend fest feste fix stativ fixe fijo fija estático "
    "estática fisso fissa statico statica fixo fixa статика статично "
    "статичная statyczna statyczne statický stilstaand plan_fixe camera_fissa",
    "handheld": "handkamera schulterkamera épaule mano_alzada cámara_en_mano macchina_a_mano câmera_na_mão ручная "
    "z_ręki caméra_portée",
    "orbit": "umkreist kreisfahrt orbital órbita облёт облет",
    "crane": "kran kranfahrt grue grúa gru grua кран",
    "slow": "langsam langsame langsamer lent lente lento lenta медленно медленный wolno",
    "fast": "schnell schnelle schneller rapide rápido rápida veloce быстро szybko",
    "": "nach zu kamera cámara caméra câmera vers la le à de a hacia para la il verso di камера auf mit der die das",
}
_ENGLISH = {word.replace("_", " "): english for english, words in _WORDS.items() for word in words.split()}
_EAST = {
    "slow": "缓慢 緩慢 慢慢 慢 ゆっくり 천천히",
    "fast": "快速 快 素早く 빠르게",
    "pan left": "左摇 左搖 向左摇 向左搖 左パン 左へパン 왼쪽 패닝",
    "pan right": "右摇 右搖 向右摇 向右搖 右パン 右へパン",
    "tilt up": "上摇 上搖 ティルトアップ 틸트업 틸트 업",
    "tilt down": "下摇 下搖 ティルトダウン 틸트다운 틸트 다운",
    "dolly in": "推镜头 推镜 推近 推进 推 ドリーイン トラックアップ 달리인 달리 인",
    "dolly out": "拉镜头 拉镜 拉远 拉 ドリーアウト トラックバック 달리아웃 달리 아웃",
    "truck left": "左移 向左移",
    "truck right": "右移 向右移",
    "crane up": "升镜头 上升 升",
    "crane down": "降镜头 下降 降",
    "zoom in": "变焦推 放大 ズームイン 줌인 줌 인",
    "zoom out": "变焦拉 缩小 ズームアウト 줌아웃 줌 아웃",
    "follow": "跟拍 跟镜头 跟 追いかけ フォロー 팔로우",
    "orbit": "环绕 環繞 回り込み",
    "handheld": "手持 手持ち 핸드헬드",
    "static": "固定镜头 固定 静止 フィックス FIX 고정",
}
_WHOLE = {word: english for english, words in _EAST.items() for word in re.split(r" (?=\S)", words)}


def move(words: str) -> str:
    """A move of the camera in English, where each of its words is known and they are one: `Schwenk links`, `Pan L`.

    Other words stay as they are.
    """
    plain = " ".join(words.split())
    if not plain or terms.camera(plain):
        return plain
    if (eastern := _eastern(plain)) and terms.camera(eastern):
        return eastern
    english = " ".join(filter(None, (_ENGLISH.get(word, word) for word in _parts(plain.casefold()))))
    english = re.sub(r"\bdolly$", "tracking shot", english)  # of `Travelling` alone the way is not known
    return english if terms.camera(english) else plain


def directed(told: str) -> dict[str, str]:
    """A cell about the camera by its kinds: a framing, an angle, a lens, a move: `Close-up, low angle, 85mm, static`.

    A cell in which a part is none of them stays a move, as it is.
    """
    parts = [part.strip() for part in re.split(r"[,;/]", told) if part.strip()]
    found: dict[str, str] = {}
    for part in parts if len(parts) > 1 else ():
        kinds = {"framing": framing(part), **{kind: _named(kind, part) for kind in ("angle", "lens")}}
        moved = move(part) if terms.camera(move(part)) else ""
        kind, name = next(((kind, name) for kind, name in {"move": moved, **kinds}.items() if name), ("", ""))
        if not kind or (kind != "move" and kind in found):
            return {"move": move(told)}
        found[kind] = ", ".join(filter(None, (found.get(kind), name)))
    return found or {"move": move(told)}


def _named(kind: str, part: str) -> str:
    term = terms.find(kind, part)
    return term.name if term else ""


def _parts(plain: str) -> list[str]:
    """The words of a phrase, those that are known together as one."""
    for known in filter(lambda each: " " in each, _ENGLISH):
        plain = re.sub(rf"\b{known}\b", known.replace(" ", "_"), plain)
    return [word.replace("_", " ") for word in re.findall(r"[\w'-]+", plain)]


def _eastern(plain: str) -> str:
    """The same of languages without spaces: the longest words that are known, one after another."""
    found, rest = [], re.sub(r"[\s\u3001,\uff0c]+", "", plain)
    known = sorted(_WHOLE, key=len, reverse=True)
    while rest:
        word = next((each for each in known if rest.startswith(each)), "")
        if not word:
            return ""
        found.append(_WHOLE[word])
        rest = rest[len(word) :].removeprefix("镜头").removeprefix("地")
    return " ".join(found)
