{# The script of a page with a map on a canvas, moved and zoomed by pointer, touch and wheel. The page has `stage`, `wide`, `high`, `view`
   and `asked`, and the functions draw, at (the point below a pixel, or -1), tell and choose. #}
const edge = () => Math.min(wide, high);
const across = x => wide / 2 + (x - view.x) * edge() * view.zoom, down = y => high / 2 + (y - view.y) * edge() * view.zoom;
const unacross = px => view.x + (px - wide / 2) / (edge() * view.zoom), undown = py => view.y + (py - high / 2) / (edge() * view.zoom);
function again() { if (!asked) { asked = true; requestAnimationFrame(draw); } }
function fit() {
  const box = stage.getBoundingClientRect(), ratio = devicePixelRatio || 1;
  wide = box.width; high = box.height;
  stage.width = Math.round(wide * ratio); stage.height = Math.round(high * ratio);
  again();
}
function zoomTo(zoom, px, py) {
  const x = unacross(px), y = undown(py);
  view.zoom = Math.min(Math.max(zoom, 0.8), 60);
  view.x += x - unacross(px); view.y += y - undown(py);
  again();
}
function all() { Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 }); again(); }
const touches = new Map();
let drag = null;
function middle() { const [a, b] = [...touches.values()]; return [(a.x + b.x) / 2, (a.y + b.y) / 2, Math.hypot(a.x - b.x, a.y - b.y)]; }
function spot(event) { const box = stage.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; }
stage.onpointerdown = event => {
  stage.setPointerCapture(event.pointerId); touches.set(event.pointerId, spot(event));
  drag = { from: spot(event), moved: false, pinch: touches.size === 2 ? middle() : null };
};
stage.onpointermove = event => {
  const to = spot(event), last = touches.get(event.pointerId);
  if (!last) { hovered = at(to.x, to.y); tell(hovered); again(); return; }
  touches.set(event.pointerId, to);
  if (touches.size === 2 && drag && drag.pinch) {
    const [x, y, length] = middle(), [px, py, before_length] = drag.pinch;
    view.x -= (x - px) / (edge() * view.zoom); view.y -= (y - py) / (edge() * view.zoom);
    zoomTo(view.zoom * length / Math.max(before_length, 1), x, y);
    drag.pinch = [x, y, length]; drag.moved = true;
  } else if (drag) {
    if (!drag.moved && Math.hypot(to.x - drag.from.x, to.y - drag.from.y) < 5) return;
    drag.moved = true; hovered = -1;
    view.x -= (to.x - last.x) / (edge() * view.zoom); view.y -= (to.y - last.y) / (edge() * view.zoom);
    again();
  }
};
stage.onpointerup = stage.onpointercancel = event => {
  const to = spot(event);
  touches.delete(event.pointerId);
  if (drag && !drag.moved && event.type === "pointerup") choose(at(to.x, to.y), false);
  if (!touches.size) drag = null;
};
stage.onpointerleave = () => { if (!touches.size) { hovered = -1; tell(pinned); again(); } };
stage.addEventListener("wheel", event => {
  event.preventDefault();
  const to = spot(event);
  zoomTo(view.zoom * Math.exp(-Math.max(-1, Math.min(1, event.deltaY / 200)) * 0.6), to.x, to.y);
}, { passive: false });
$("in").onclick = () => zoomTo(view.zoom * 1.5, wide / 2, high / 2);
$("out").onclick = () => zoomTo(view.zoom / 1.5, wide / 2, high / 2);
$("all").onclick = all;
