/** The last lines of a log, so many at most: a container may write for months. */
export class LogBuffer {
  private lines: string[] = [];
  private dropped = 0;

  constructor(private readonly most: number) {}

  add(line: string): void {
    this.lines.push(line);
    if (this.lines.length > this.most * 1.2) {
      this.dropped += this.lines.length - this.most;
      this.lines = this.lines.slice(-this.most);
    }
  }

  /** Those that have the text, whatever the case, and how many were dropped before all of them. */
  shown(filter: string): { lines: string[]; dropped: number } {
    const wanted = filter.toLowerCase();
    const lines = wanted ? this.lines.filter((line) => line.toLowerCase().includes(wanted)) : [...this.lines];
    return { lines, dropped: this.dropped };
  }
}
