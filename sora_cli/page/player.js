"use strict";
(() => {
  const story = JSON.parse(document.getElementById("story").textContent);
  const [films, caption, choices, start, told, toggle] =
    ["films", "caption", "choices", "start", "told", "captions"].map((id) => document.getElementById(id));
  const open = new Map();  // the film that plays, and all that may play after it, by their passages
  let here = null, on = null, timer = 0, shown = true;

  const passage = (name) => story.passages[name];
  function film(name) {
    if (open.has(name)) return open.get(name);
    const made = document.createElement("video");
    made.preload = "auto";
    made.playsInline = true;
    made.src = passage(name).file;
    made.addEventListener("ended", () => { if (on === made) ended(); });
    made.addEventListener("error", () => { told.textContent = `${made.getAttribute("src")} is not there, or cannot be played`; });
    films.append(made);
    open.set(name, made);
    return made;
  }
  function near(name) {  // what may come next is opened; what cannot is let go
    const wanted = new Set([name, ...passage(name).choices.map((choice) => choice.go).filter(Boolean)]);
    for (const each of wanted) film(each);
    for (const [each, made] of open) {
      if (wanted.has(each)) continue;
      open.delete(each);
      made.removeAttribute("src");
      made.load();
      made.remove();
    }
  }
  function whenShown(made, act) {  // the first frame is on the screen; until then the last one of the film before stays
    const tried = () => (made.seeking ? whenShown(made, act) : act());
    if (made.requestVideoFrameCallback) made.requestVideoFrameCallback(tried);
    else made.addEventListener("timeupdate", tried, { once: true });
  }
  function rewind(made) {  // a seek, even to where it is, drops the frame that is ready
    if (made.currentTime) made.currentTime = 0;
  }
  function go(name) {
    clearTimeout(timer);
    hide(choices);
    hide(start);
    const made = film(name);
    here = name;
    document.body.dataset.passage = name;
    on = made;
    whenShown(made, () => {
      if (on !== made) return;
      for (const other of open.values()) other.classList.toggle("on", other === made);
      near(name);
      for (const other of open.values()) if (other !== made) { other.pause(); rewind(other); }
    });
    rewind(made);
    made.play().catch(() => { if (on === made) again("Play", () => go(name)); });
    told.textContent = "";
  }
  function ended() {
    const { choices: ways } = passage(here);
    document.body.dataset.passage = `${here} ended`;
    if (!ways.length) return again("Play again", () => go(story.start));
    if (ways.length === 1 && !ways[0].say) return take(ways[0]);
    ask(ways);
  }
  function take(way) {
    if (way.go) go(way.go);
    else { clearTimeout(timer); hide(choices); again("Play again", () => go(story.start)); }
  }
  function ask(ways) {
    choices.replaceChildren();
    for (const way of ways.filter((each) => each.say)) {
      const button = document.createElement("button"), key = document.createElement("kbd");
      button.type = "button";
      key.textContent = choices.childElementCount + 1;
      button.append(key, way.say);
      button.addEventListener("click", () => take(way));
      choices.append(button);
    }
    choices.hidden = false;
    told.textContent = `${choices.childElementCount} ways to go on`;
    const waits = ways.find((each) => each.after !== null);
    if (waits) {
      const line = document.createElement("div");
      line.className = "wait";
      choices.append(line);
      line.animate([{ transform: "scaleX(1)" }, { transform: "scaleX(0)" }], { duration: waits.after * 1000, fill: "forwards" });
      timer = setTimeout(() => take(waits), waits.after * 1000);
    }
    choices.querySelector("button")?.focus({ preventScroll: true });
  }
  function hide(element) { element.hidden = true; }
  function again(words, act) {
    start.textContent = words;
    start.onclick = act;
    start.hidden = false;
    start.focus({ preventScroll: true });
    if (words !== "Play") told.textContent = "The end";
  }

  function pause() {
    if (!start.hidden) start.click();
    else if (on && !on.ended) { if (on.paused) on.play(); else on.pause(); }
  }
  function say() {
    const cue = shown && here && on ? passage(here).captions.find((each) => each.start <= on.currentTime && on.currentTime < each.end) : null;
    const text = cue ? cue.text : "";
    if (caption.textContent !== text) caption.textContent = text;
    caption.hidden = !text;
    requestAnimationFrame(say);
  }
  function turn() {
    shown = !shown;
    toggle.setAttribute("aria-pressed", shown);
  }
  function full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.getElementById("stage").requestFullscreen?.();
  }
  const keys = { " ": pause, k: pause, c: turn, f: full, r: () => go(story.start) };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.target.closest("button")) return;  // it presses the button
    const key = event.key.toLowerCase();
    const button = /^[1-9]$/.test(key) && !choices.hidden ? choices.querySelectorAll("button")[key - 1] : null;
    const act = button ? () => button.click() : keys[key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  films.addEventListener("click", pause);
  toggle.addEventListener("click", turn);

  films.style.setProperty("--wide", story.width);
  films.style.setProperty("--high", story.height);
  near(story.start);
  film(story.start).classList.add("on");
  again("Play", () => go(story.start));
  requestAnimationFrame(say);
})();
