const KEY = "otrade-theme";

export type Theme = "dark" | "light";

/** Dark or light: the system's wish until a person has chosen. */
export class ThemeChoice {
  current = $state<Theme>(stored() ?? wished());

  constructor() {
    this.#show();
  }

  toggle(): void {
    this.current = this.current === "dark" ? "light" : "dark";
    localStorage.setItem(KEY, this.current);
    this.#show();
  }

  #show(): void {
    document.documentElement.dataset["theme"] = this.current;
  }
}

function stored(): Theme | null {
  const text = localStorage.getItem(KEY);
  return text === "dark" || text === "light" ? text : null;
}

function wished(): Theme {
  return window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}
