/** The product's mark: a pot on the fire, in two colours. */
export function Logo() {
  return (
    <svg class="nbt-logo" width="24" height="24" viewBox="0 0 24 24" aria-hidden="true">
      <path
        class="nbt-logo-flame"
        d="M12 15c1.5 2 3.5 2.8 3.5 4.800a3.5 3.5 0 0 1-7 0c0-1 .6-1.6 1.2-2.2.4.6.9.8 1.3.800C10.7 17.2 11.2 16.2 12 15Z"
      />
      <path
        class="nbt-logo-pot"
        d="M4.5 7.500h15V12a3 3 0 0 1-3 3h-9a3 3 0 0 1-3-3ZM2 9.500h2.500M19.5 9.500H22M4 5h16M10.5 5V3h3v2"
      />
    </svg>
  );
}
