"""The columns of shot lists: what they mean, and how houses name them."""

from __future__ import annotations

_NAMES = {
    "scene": "scene, sc, scene no, scene nr, scene number, scene name, sequence, seq, szene, scène, séquence, "
    "seq no, escena, secuencia, scena, cena, sequência, scene nummer, сцена, scéna, scen, 场景, 场次, 场, 場次, "
    "シーン, 씬, sahne, jelenet, сцени, σκηνή, مشهد, المشهد, סצנה, cảnh, adegan, ฉาก",
    "shot": "shot, sh, shot no, shot nr, shot number, shot name, shot code, shot id, setup, slate, einstellung, "
    "einst, einstellung nr, ujęcie, plan, plan no, plano, toma, inquadratura, shotnummer, кадр, кадра, план, záběr, "
    "镜号, 镜头, 镜头号, 序号, 分镜, 鏡號, 鏡頭, カット, カット番号, ショット, 컷, 숏, no, nr, number, nummer, "
    "numéro, n, номер, tagning, bild nr, kuvanumero, لقطة, اللقطة, رقم اللقطة, शॉट, ช็อต, שוט, 샷, 샷 번호, "
    "컷 번호, felvétel, beállítás, πλάνο, λήψη, id, "
    "ujęcie nr, nr ujęcia, indstilling, "
    "innstilling, çekim, çekim no, name",
    "size": "size, shot size, framing, composition, "
    "frame, shot type, type, type of shot, shot size type, einstellungsgrösse, "
    "grösse, bildgrösse, cadrage, cadre, valeur, échelle, encuadre, valeur de plan, taille de plan, tipo de plano, "
    "tamaño, campo, campo piano, enquadramento, kader, shotgrootte, крупность, 景别, 景別, サイズ, 画角, 사이즈, "
    "bildutsnitt, utsnitt, beskæring, plan filmowy, ölçek, çekim ölçeği, velikost záběru, képkivágás, "
    "plánméret, حجم اللقطة, نوع اللقطة, शॉट का प्रकार, "
    "샷 사이즈",
    "angle": "angle, camera angle, shot angle, perspektive, kamerawinkel, angle de vue, ángulo, ángulo de cámara, "
    "angolazione, ângulo, hoek, camerahoek, ракурс, 角度, 机位, アングル, 앵글, vinkel, kameravinkel, kąt, "
    "زاوية, الزاوية, زاوية الكاميرا, "
    "kąt kamery, úhel",
    "move": "move, movement, camera movement, camera shot, cinematography, camera move, camera, camera motion, "
    "camera work, motion, kamera, "
    "camera angle movement, kamerabewegung, bewegung, mouvement, mouvement de caméra, caméra, movimiento, "
    "movimiento de cámara, cámara, "
    "movimento, movimento di macchina, movimento de câmera, câmera, beweging, camerabeweging, движение, "
    "движение камеры, камера, 运镜, 镜头运动, 运动, 摄法, 運鏡, カメラ, カメラワーク, 카메라, ruch kamery, "
    "pohyb kamery, kameramozgás, κίνηση κάμερας, κάμερα, kamerarörelse, kamerabevægelse, kamerabevegelse, "
    "kamera hareketi, 카메라 움직임, الكاميرا, كاميرا, حركة الكاميرا, कैमरा, กล้อง, máy quay, מצלמה",
    "lens": "lens, lens mm, focal length, objektiv, brennweite, objectif, focale, óptica, obiettivo, ottica, lente, "
    "объектив, оптика, 焦距, 镜头焦距, レンズ, 렌즈",
    "subject": "subject, subject action",
    "description": "prompt, video prompt, visual prompt, ai prompt, shot description, description, action, desc, "
    "action description, what happens, scene description, visual description, visual, visuals, video, image prompt, "
    "picture description, content, beschreibung, handlung, inhalt, bildinhalt, bildbeschreibung, descriptif, "
    "visuel, visuels, description visuelle, "
    "contenu, descripción, acción, descrizione, azione, descrição, ação, beschrijving, omschrijving, actie, "
    "описание, действие, содержание, содержание кадра, popis, opis, 内容, 画面, 画面内容, 画面描述, 描述, 提示词, "
    "畫面, 畫面內容, 画面の内容, 説明, 動作, 내용, 화면, beskrivning, beskrivelse, handling, akcja, opis ujęcia, "
    "opis sceny, popis záběru, akce, děj, aksiyon, опис, дія, leírás, cselekmény, περιγραφή, δράση, descriere, "
    "acțiune, acţiune, תיאור, وصف, الوصف, وصف اللقطة, وصف المشهد, الصورة, दृश्य, विवरण, mô tả, deskripsi, "
    "คำอธิบาย, 映像, 영상, actions, 설명, 장면 설명, 提示詞, on screen",
    "dialogue": "dialogue, dialog, dialogue text, line, lines, audio, audio dialogue, vo, voiceover, voice over, "
    "narration, "
    "narration vo, spoken text, spoken words, narration text, voiceover text, narrator text, dialoge, "
    "sprechertext, off text, dialogues, voix off, diálogo, diálogos, voz en off, "
    "dialogo, dialoghi, battute, fala, falas, locução, dialoog, voice over tekst, диалог, диалоги, реплика, реплики, "
    "закадровый текст, 台词, 对白, 旁白, 台詞, 對白, セリフ, ナレーション, 대사, replik, repliker, replikker, "
    "kwestia, párbeszéd, szöveg, διάλογος, replică, dialogi, diyalog, dialogy, діалог, الحوار, حوار, "
    "التعليق الصوتي, संवाद, บทพูด, lời thoại, דיאלוג, "
    "audio vo, vo audio, audio narration, audio voiceover, dialogue audio, dialogue sfx, sfx dialogue, "
    "dialogue sound, "
    "sound dialogue, audio sfx, sound vo, áudio, 音频, オーディオ, 오디오, аудио",
    "duration": "duration, length, dur, est duration, est length, est time, estimated time, "
    "estimated duration, screen time, seconds, secs, sec, runtime, run time, "
    "duration s, duration sec, duration secs, duration seconds, length s, "
    "length sec, länge, dauer, sekunden, länge s, dauer s, durée, durée s, duración, duración s, durata, durata s, "
    "duração, duração s, duur, lengte, длительность, хронометраж, délka, 时长, 时长 秒, 時長, 秒数, 秒, 尺, 秒 コマ, "
    "秒コマ, 秒数 コマ, タイム, 길이, dauer in s, długość, czas trwania, délka záběru, längd, varaktighed, varighet, "
    "süre, hossz, időtartam, διάρκεια, durată, משך, مدة, المدة, المدة الزمنية, مدة اللقطة, अवधि, ระยะเวลา, "
    "thời lượng, durasi, тривалість, 시간 초, 초",
    "frames": "frames, frame count, no of frames, cut duration, duration frames, length frames, bilder, "
    "images durée, länge bilder, dauer bilder, einzelbilder, images, nombre d images, durée images, fotogramas, "
    "duración fotogramas, fotogrammi, durata fotogrammi, duração quadros, beelden, кадров, длительность кадров, "
    "コマ, コマ数, フレーム, フレーム数, 帧, 帧数, 幀數, 프레임",
    "start": "start, start time, starts, begin, in, in time, tc in, timecode in, in point, in timecode, record in, "
    "beginn, anfang, début, entrée, inicio, entrada, inizio, início, начало, 开始, 开始时间, 入点, 開始",
    "end": "end, end time, ends, out, out time, tc out, timecode out, out point, out timecode, record out, ende, "
    "fin, sortie, salida, fine, fim, saída, einde, конец, 结束, 结束时间, 出点, 終了",
    "time": "time, timing, time range, timecode, timestamp, tc, zeit, temps, tiempo, tempo, tijd, время, čas, czas, "
    "时间, 時間, 시간",
    "place": "location, setting, set, place, ort, drehort, motiv, schauplatz, lieu, décor, lugar, localización, "
    "locación, luogo, ambiente, local, locação, locatie, plaats, место, место действия, локация, объект, 地点, 地點, "
    "場所, 장소, miejsce, lokacja, místo, lokace, plats, sted, mekan, helyszín, τοποθεσία, locație, місце, "
    "المكان, الموقع, स्थान",
    "side": "int ext, i e, ie, interior exterior, innen aussen, i a, int est, инт нат, 内 外, 内外",
    "light": "time of day, day night, d n, dn, light, lighting, tod, tageszeit, tag nacht, moment, effet, jour nuit, "
    "j n, iluminación, día noche, giorno notte, luce, dia noite, período, dag nacht, время суток, 光线, 日 夜, 日夜, "
    "時間帯, pora dnia, denní doba, tid på dygnet, beleuchtung, licht, éclairage, lumière, illuminazione, iluminação, "
    "освещение, свет, oświetlenie, belichting, osvětlení, 灯光, 光影, 照明, ライティング, 조명, "
    "الإضاءة, إضاءة, प्रकाश, ánh sáng, pencahayaan, תאורה",
    "cast": "cast, characters, character, talent, actors, actor, figuren, figur, darsteller, personnages, "
    "personnage, personajes, personaje, personaggi, personagens, personages, персонажи, персонаж, 角色, 人物, 演员, "
    "登場人物, 등장인물, postacie, postavy, roller, karakterler, 캐릭터",
    "sound": "sound, sounds, ambient, ambient sound, ambient sounds, "
    "sfx, fx, se, sound effects, sound effect, sound sfx, ambience, ton, geräusche, "
    "geräusch, "
    "son, ambiance sonore, bruitage, bruitages, sonido, efectos de sonido, suono, suoni, effetti sonori, som, "
    "efeitos sonoros, "
    "geluid, звук, шумы, 音效, 声音, 效果音, 音, 소리, dźwięk, hang, ήχος, sunet, zvuk, ljud, lyd, ses, 사운드, "
    "효과음, background sound, background sounds, الصوت, صوت, "
    "المؤثرات الصوتية, ध्वनि, เสียง, âm thanh, suara, סאונד",
    "transition": "transition, transitions, transition in, cut, übergang, transición, transizione, transição, "
    "overgang, переход, 转场, 轉場, トランジション",
    "going": "transition out, out transition, outgoing transition, transition to next",
    "picture": "image, picture, still, thumbnail, reference image, storyboard, image file, first frame, start frame, "
    "bild, imagen, immagine, imagem, изображение, 图片, 参考图, 画像",
    "title": "on screen text, onscreen text, text overlay, overlay text, text on screen, title card, "
    "super, supers, lower third, einblendung, "
    "bauchbinde, texte à l écran, texto en pantalla, testo a schermo, texto na tela, 屏幕文字, テロップ",
    "notes": "notes, note, comments, comment, remarks, remark, bemerkungen, bemerkung, anmerkungen, anmerkung, "
    "notizen, remarques, remarque, commentaires, notas, observaciones, osservazioni, observações, opmerkingen, "
    "примечания, примечание, poznámky, uwagi, 备注, 備註, 備考, メモ, 비고, anteckningar, megjegyzés, jegyzet, "
    "σημειώσεις, noter, notlar, ملاحظات, टिप्पणी",
    "avoid": "negative prompt, negative, neg prompt, avoid, 反向提示词, 负面提示词, 負面提示詞",
    "style": "style, visual style, art style, stil, estilo, stile, стиль, 风格, 風格, スタイル, الأسلوب, النمط, शैली",
    "mood": "mood, mood tone, tone, atmosphere, vibe, stimmung, настроение, 氛围, 氣氛, 雰囲気, المزاج, الأجواء, मूड",
    "seed": "seed, 种子, シード",
}
COLUMNS = {column: tuple(names.split(", ")) for column, names in _NAMES.items()}
"""What a column holds, and what it is called, in small letters and without marks; the surest name first."""
