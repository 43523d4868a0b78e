/** Links to the parts of something; each has an address of its own. */
export function Tabs({ label, chosen, tabs }: { label: string; chosen: string; tabs: { id: string; title: string; href: string }[] }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.id} href={tab.href} aria-current={tab.id === chosen ? "page" : undefined}>
          {tab.title}
        </a>
      ))}
    </nav>
  );
}
