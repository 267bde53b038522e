import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../icons";
import "./tooltip.css";
import { useUid } from "../uid";

const MARGIN = 8;
const HOVER_DELAY_MS = 150;

/**
 * A `?` that explains the thing beside it, on hover, focus or press. The bubble lives in the browser's
 * top layer, where no scrolling ancestor cuts it off.
 */
export function Tooltip({ label, children }: { label: string; children: ComponentChildren }) {
  const id = useUid();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const bubble = useRef<HTMLDivElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const close = (): void => {
    clearTimeout(timer.current);
    setOpen(false);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useLayoutEffect(() => {
    if (!open || !bubble.current || !button.current) return undefined;
    bubble.current.showPopover?.();
    place(bubble.current, button.current);
    // The bubble does not follow its button, so it goes when the page moves under it.
    document.addEventListener("scroll", close, { capture: true, passive: true });
    return () => document.removeEventListener("scroll", close, { capture: true });
  }, [open]);

  return (
    <span class="nbt-tooltip">
      <button
        ref={button}
        type="button"
        class="nbt-tooltip-button"
        aria-label={label}
        aria-expanded={open}
        aria-describedby={open ? id : undefined}
        onMouseEnter={() => {
          timer.current = setTimeout(() => setOpen(true), HOVER_DELAY_MS);
        }}
        onMouseLeave={close}
        onFocus={() => setOpen(true)}
        onBlur={close}
        onClick={() => setOpen(true)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && open) {
            event.stopPropagation();
            close();
          }
        }}
      >
        <Icon name="help" size={14} />
      </button>
      {open && (
        <div ref={bubble} id={id} role="tooltip" popover="manual" class="nbt-tooltip-bubble">
          {children}
        </div>
      )}
    </span>
  );
}

/** Below the button, or above where there is more room; never past the window's edges. */
function place(bubble: HTMLElement, button: HTMLElement): void {
  const anchor = button.getBoundingClientRect();
  const { width, height } = bubble.getBoundingClientRect();
  const right = document.documentElement.clientWidth - width - MARGIN;
  const below = anchor.bottom + 4;
  const fits = below + height + MARGIN <= document.documentElement.clientHeight;
  bubble.style.left = `${Math.max(MARGIN, Math.min(anchor.left - 12, right))}px`;
  bubble.style.top = `${fits ? below : Math.max(MARGIN, anchor.top - height - 4)}px`;
}
