// Where a picture stands while one looks at it closely.

/** How much larger than whole it is shown, and how far its middle is from the middle of the stage, px. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

/** A width and a height, px. */
export interface Size {
  width: number;
  height: number;
}

/** The whole picture. */
export const whole: View = { scale: 1, x: 0, y: 0 };

const largest = 8;

/** Zooms by a factor; the point of the picture at `x`, `y` from the middle of the stage stays there. */
export function zoomed(view: View, factor: number, x: number, y: number, size: Size): View {
  const scale = Math.min(largest, Math.max(1, view.scale * factor));
  const by = scale / view.scale;
  return held({ scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by }, size);
}

/** Moves the picture; it does not leave the stage. */
export function moved(view: View, x: number, y: number, size: Size): View {
  return held({ ...view, x: view.x + x, y: view.y + y }, size);
}

function held({ scale, x, y }: View, { width, height }: Size): View {
  const within = (value: number, side: number) => {
    const room = (side * (scale - 1)) / 2;
    return Math.min(room, Math.max(-room, value)) + 0; // never -0
  };
  return { scale, x: within(x, width), y: within(y, height) };
}
