interface Props {
  label: string;
  value: string;
  options: [string, string][];
  choose: (value: string) => void;
}

export function Select({ label, value, options, choose }: Props) {
  return (
    <select class="quiet" aria-label={label} title={label} value={value} onChange={(event) => choose(event.currentTarget.value)}>
      {options.map(([id, text]) => (
        <option key={id} value={id} selected={id === value}>
          {text}
        </option>
      ))}
    </select>
  );
}
