// The page works without this. With it, inside Airflow's frame: links to runs open in Airflow itself, which the frame's
// sandbox keeps a page from doing, the theme is Airflow's, and the page does not load again while somebody types.
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
    const typing = () => /^(INPUT|SELECT)$/.test(document.activeElement?.tagName ?? "");
    const reading = () => document.querySelector("main details[open]") !== null;
    setInterval(() => {
      if (!document.hidden && !typing() && !reading()) location.reload();
    }, seconds * 1000);
  }
})();
