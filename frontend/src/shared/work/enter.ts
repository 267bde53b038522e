/** Enter in a field does what the button beside it does; the notebook around has a use of its own for the key. */

export function onEnter(act: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    const field = event.target instanceof HTMLInputElement && ["text", "search"].includes(event.target.type);
    if (event.key !== "Enter" || event.isComposing || !field) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
}
