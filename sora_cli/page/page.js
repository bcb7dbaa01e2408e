"use strict";
(() => {
  const shots = [...document.querySelectorAll(".shot")];
  const film = document.getElementById("film");
  const now = document.getElementById("now");
  const reel = document.getElementById("reel");
  let here = -1, back = null, typed = "", typing = 0, unsaved = false;

  if (film && reel) {
    const text = atob(reel.textContent), bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
    film.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    reel.remove();
  }
  const start = (shot) => Number(shot.dataset.start);
  const shotAt = (second) => shots.findIndex((shot) => second >= start(shot) - 1e-3 && second < Number(shot.dataset.end) - 1e-3);
  const frame = film ? 1 / Number(film.dataset.fps) : 0;

  function mark(number) {
    if (number === here) return;
    shots[here]?.classList.remove("here");
    shots[number]?.classList.add("here");
    here = number;
  }
  function seek(second) {
    if (film) film.currentTime = Math.max(0, Math.min(second, film.duration || second));
  }
  function go(number) {
    const shot = shots[Math.max(0, Math.min(number, shots.length - 1))];
    if (!shot) return;
    seek(start(shot) + frame / 2);
    mark(shots.indexOf(shot));
    shot.scrollIntoView({ block: "start" });
    shot.focus({ preventScroll: true });
  }
  function stop() {
    clearInterval(back);
    back = null;
    if (film) film.pause();
  }
  function play() {
    const faster = !film.paused;
    clearInterval(back);
    back = null;
    film.playbackRate = faster ? Math.min(8, film.playbackRate * 2) : 1;
    film.play();
  }
  function rewind() {
    const faster = back !== null ? Math.min(8, film.dataset.back * 2) : 1;
    stop();
    film.dataset.back = faster;
    back = setInterval(() => (film.currentTime > 0 ? seek(film.currentTime - 0.1 * faster) : stop()), 100);
  }
  function step(frames) {
    stop();
    seek((Math.floor(film.currentTime / frame + 1e-3) + frames + 0.5) * frame);
  }
  function digit(figure) {
    clearTimeout(typing);
    typed += figure;
    typing = setTimeout(() => { typed = ""; }, 800);
    if (Number(typed) > 0) go(Number(typed) - 1);
  }
  const keys = {
    j: () => film && rewind(), k: () => film && stop(), l: () => film && play(),
    ArrowLeft: () => film && step(-1), ArrowRight: () => film && step(1),
    ArrowUp: () => go(Math.max(here, 0) - 1), ArrowDown: () => go(here + 1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("textarea, input")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = /^[0-9]$/.test(key) ? () => digit(key) : keys[key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }, true);

  if (film) {
    const told = () => {
      const number = shotAt(film.currentTime);
      mark(number);
      const name = number < 0 ? "" : shots[number].querySelector("h2 a").textContent;
      now.textContent = `${film.currentTime.toFixed(2)} s, frame ${Math.floor(film.currentTime / frame + 1e-3)} ${name}`;
    };
    for (const name of ["timeupdate", "seeked", "loadedmetadata"]) film.addEventListener(name, told);
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.go");
    const point = event.target.closest("circle[data-at]");
    if (link) { event.preventDefault(); go(shots.indexOf(link.closest(".shot"))); }
    if (point) go(shotAt(Number(point.dataset.at) + frame / 2));
  });
  for (const slider of document.querySelectorAll(".pair input")) {
    const set = () => slider.parentElement.style.setProperty("--at", `${slider.value}%`);
    slider.addEventListener("input", set);
    set();
  }

  const fields = [...document.querySelectorAll("textarea[data-shot]")];
  for (const field of fields) field.addEventListener("input", () => { unsaved = true; });
  document.getElementById("save").addEventListener("click", () => {
    const notes = Object.create(null);  // a shot may be called __proto__
    for (const field of fields) if (field.value.trim()) notes[field.dataset.shot] = field.value.trim();
    const told = { sora: document.body.dataset.version, of: document.body.dataset.source, notes };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(told, null, 1) + "\n"], { type: "application/json" }));
    link.download = "notes.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    document.getElementById("saved").textContent = `${Object.keys(notes).length} of ${fields.length} shots have notes`;
  });
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
})();
