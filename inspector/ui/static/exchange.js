// What must not be lost when a part of a page is exchanged for a newer one: a click, and a keyboard's place.

const CLICK_AFTER_MS = 100; // of the button's release, at most

// Exchanges what is in the box; whoever was at one of its keys is at the same one afterwards.
export function exchange(box, html) {
  const focused = box.contains(document.activeElement) && document.activeElement.dataset.key;
  box.innerHTML = html;
  if (focused) box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

// Where a finger or a button is down, as `on`: what is exchanged between press and release gets no click.
export function pressIn(within, released = () => {}) {
  const press = { on: null };
  within.addEventListener("pointerdown", (event) => { press.on = event.target; });
  for (const name of ["pointerup", "pointercancel"]) {
    window.addEventListener(name, () => setTimeout(() => { press.on = null; released(); }, CLICK_AFTER_MS));
  }
  return press;
}
