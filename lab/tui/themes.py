"""Colors: dark, light, and one of high contrast. Meaning is always carried by a word or a sign as well."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = "lab-dark"
LIGHT: Final = "lab-light"
CONTRAST: Final = "lab-contrast"

THEMES: Final = (
    Theme(
        name=DARK,
        primary="#5fb3d9",
        secondary="#8fa8bd",
        accent="#e5b567",
        foreground="#d6dde3",
        background="#10161c",
        surface="#151d25",
        panel="#1d2832",
        success="#7fc98f",
        warning="#e5b567",
        error="#e8837e",
        dark=True,
        variables={
            "text-muted": "#8da0ae",
            "border": "#34495a",
            "border-blurred": "#263542",
            "block-cursor-background": "#24485f",
            "block-cursor-foreground": "#ffffff",
            "block-cursor-text-style": "none",
            "block-cursor-blurred-background": "#22303c",
            "block-cursor-blurred-foreground": "#d6dde3",
            "footer-background": "#1d2832",
            "footer-key-foreground": "#e5b567",
            "input-selection-background": "#5fb3d9 35%",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#1b5e86",
        secondary="#4b6274",
        accent="#8a5a00",
        foreground="#1a2530",
        background="#f7f8f9",
        surface="#ffffff",
        panel="#e6ebef",
        success="#1c6b34",
        warning="#8a5a00",
        error="#a5211b",
        dark=False,
        variables={
            "text-muted": "#5a6b78",
            "border": "#9fb3c2",
            "border-blurred": "#c9d4dc",
            "block-cursor-background": "#cde3f1",
            "block-cursor-foreground": "#0d1a24",
            "block-cursor-text-style": "none",
            "block-cursor-blurred-background": "#d5e0e8",
            "block-cursor-blurred-foreground": "#1a2530",
            "footer-background": "#e6ebef",
            "footer-key-foreground": "#8a5a00",
        },
    ),
    Theme(
        name=CONTRAST,
        primary="#00d7ff",
        secondary="#ffffff",
        accent="#ffff00",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#000000",
        success="#00ff5f",
        warning="#ffff00",
        error="#ff8787",
        dark=True,
        variables={
            "border": "#ffffff",
            "border-blurred": "#a8a8a8",
            "text-muted": "#d0d0d0",
            "text-disabled": "#c0c0c0",
            "block-cursor-background": "#00307a",
            "block-cursor-foreground": "#ffffff",
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": "#303030",
            "block-cursor-blurred-foreground": "#ffffff",
            "footer-background": "#000000",
            "footer-key-foreground": "#ffff00",
        },
    ),
)
