/** One animation frame for all charts of the page: each is drawn at most once in it, and only when asked to. */

export interface Drawable {
  draw(): void;
}

const waiting = new Set<Drawable>();

export function schedule(drawable: Drawable): void {
  if (waiting.size === 0) requestAnimationFrame(drawAll);
  waiting.add(drawable);
}

export function unschedule(drawable: Drawable): void {
  waiting.delete(drawable);
}

function drawAll(): void {
  const drawables = [...waiting];
  waiting.clear();
  for (const drawable of drawables) drawable.draw();
}
