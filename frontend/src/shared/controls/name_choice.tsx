/** A name: one of those that are known, or one that is typed. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Choice } from "./choice";
import { TextInput } from "./text";

/** No name begins with a space. */
const OTHER = " other";

export interface NameChoiceProps {
  id: string;
  /** Empty: none. */
  value: string;
  /** Null until they are told. */
  known: readonly { value: string; label: string }[] | null;
  /** How it is said that none is chosen, and that another is to be typed. */
  none: string;
  other: string;
  /** The accessible name of the field to type in, and what can be typed. */
  typed: string;
  help: string;
  disabled?: boolean;
  invalid?: boolean;
  describedBy?: string;
  onChange(value: string): void;
}

export function NameChoice({ id, value, known, none, other, typed, help, onChange, ...rest }: NameChoiceProps) {
  const [typing, setTyping] = useState(false);
  const said = useRef(value);
  const place = useRef<HTMLDivElement>(null);
  const listed = known ?? (value === "" ? [] : [{ value, label: value }]);
  const open = typing || !(value === "" || listed.some((each) => each.value === value));
  const say = (next: string): void => {
    said.current = next;
    onChange(next);
  };
  useEffect(() => {
    if (value !== said.current) setTyping(false); // it was set elsewhere: by a button, or on another page
    said.current = value;
  }, [value]);
  const choose = (chosen: string): void => {
    setTyping(chosen === OTHER);
    say(chosen === OTHER ? "" : chosen);
  };
  useEffect(() => {
    if (typing) place.current?.querySelector("input")?.focus();
  }, [typing]);
  return (
    <div ref={place} class="nbt-name-choice">
      <Choice
        {...rest}
        id={id}
        value={open ? OTHER : value}
        options={[{ value: "", label: none }, ...listed, { value: OTHER, label: other }]}
        onChange={choose}
      />
      {open && (
        <>
          <TextInput
            {...rest}
            id={`${id}-typed`}
            label={typed}
            describedBy={[rest.describedBy, `${id}-help`].filter(Boolean).join(" ")}
            value={value}
            onChange={(text) => {
              setTyping(true);
              say(text);
            }}
          />
          <p id={`${id}-help`} class="nbt-soft">
            {help}
          </p>
        </>
      )}
    </div>
  );
}
