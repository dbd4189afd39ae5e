// Live rows and copy buttons. Without this file every page shows the same, only not by itself.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  const said = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      // No clipboard without TLS: the text is selected, to be copied by hand.
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "Selected: copy it";
    }
    setTimeout(() => { button.textContent = said; }, 2500);
  });
}

const live = document.querySelector("tbody[data-live]");
if (live) {
  const most = Number(live.dataset.most);
  const word = document.getElementById("live");
  const button = document.getElementById("pause");
  let source = null;

  const tell = (state, text) => { word.dataset.state = state; word.textContent = text; };

  // Rows come escaped from the server's template, and the page's policy runs no script in them.
  const show = (event) => {
    const holder = document.createElement("tbody");
    holder.innerHTML = event.data;
    const row = holder.firstElementChild;
    const known = document.getElementById(row.id);
    if (known) { known.replaceWith(row); return; }
    document.getElementById("none")?.remove();
    row.classList.add("new");
    live.prepend(row);
    setTimeout(() => row.classList.remove("new"), 4000);
    while (live.rows.length > most) { live.lastElementChild.remove(); }
  };

  const start = () => {
    source = new EventSource(`${live.dataset.live}&after=${live.dataset.after}`);
    source.addEventListener("decision", (event) => {
      if (event.lastEventId) { live.dataset.after = event.lastEventId; }
      show(event);
    });
    source.addEventListener("open", () => tell("on", "live"));
    source.addEventListener("error", () => {
      tell("off", source.readyState === EventSource.CLOSED ? "not live: too many watch, or the gateway ends" : "connecting …");
    });
    button.textContent = "Pause";
  };
  const stop = () => {
    source.close();
    source = null;
    tell("off", "paused");
    button.textContent = "Go on";
  };
  button.hidden = false;
  button.addEventListener("click", () => (source ? stop() : start()));
  start();
}
