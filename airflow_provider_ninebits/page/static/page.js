// The page works without this. With it, inside Airflow's frame: links to runs open in Airflow itself, which the frame's
// sandbox keeps a page from doing, the theme is Airflow's, and the page does not load again while somebody uses it.
"use strict";
(() => {
  const page = document.documentElement;
  let frame = null;
  try {
    if (window.parent !== window) frame = window.parent.document;
  } catch {
    // Another site's frame: it is left alone.
  }

  if (frame) {
    const follow = () => {
      const dark = frame.documentElement.classList.contains("dark");
      const light = frame.documentElement.classList.contains("light");
      if (dark || light) page.dataset.theme = dark ? "dark" : "light";
    };
    follow();
    new MutationObserver(follow).observe(frame.documentElement, { attributeFilter: ["class"] });

    const open = (event) => {
      const link = event.target.closest("a[target=_top]");
      if (!link || (event.type === "auxclick" && event.button !== 1)) return;
      event.preventDefault();
      const apart = event.type === "auxclick" || event.ctrlKey || event.metaKey || event.shiftKey;
      const there = frame.createElement("a");
      there.href = link.href;
      there.target = apart ? "_blank" : "_self";
      frame.body.append(there);
      there.click();
      there.remove();
    };
    document.addEventListener("click", open);
    document.addEventListener("auxclick", open);
  }

  const seconds = Number(page.dataset.refreshSeconds);
  if (seconds > 0) {
    // A click on text focuses the content around it: no place that a reload would lose.
    const held = () => {
      const at = document.activeElement;
      return at !== null && at !== document.body && at !== page && !(at.id === "content" && !at.matches(":focus-visible"));
    };
    const paused = () => {
      const note = document.getElementById("paused");
      let why = "";
      if (document.querySelector("main details[open]") !== null) why = "Paused while details are open.";
      else if (held()) why = "Paused while a link or a field has the focus.";
      if (note && note.textContent !== why) note.textContent = why;
      return why !== "";
    };
    // While the focus moves, nothing has it.
    for (const name of ["focusin", "focusout", "toggle"]) document.addEventListener(name, () => setTimeout(paused), true);
    setInterval(() => {
      if (!paused() && !document.hidden) location.reload();
    }, seconds * 1000);
  }
})();
