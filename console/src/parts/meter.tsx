/** How much of something is taken; nothing where it is not said how much there is. */
export function Meter({ label, value, most, text }: { label: string; value: number; most: number; text: string }) {
  if (most <= 0) return null;
  const share = Math.min(1, value / most);
  return (
    <div class="meter">
      <span>{label}</span>
      <span class="meter-bar" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)} aria-valuetext={text}>
        <span data-full={share > 0.9} style={{ width: `${share * 100}%` }} />
      </span>
      <small>{text}</small>
    </div>
  );
}
