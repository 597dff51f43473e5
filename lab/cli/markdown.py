"""Markdown as plain text for the terminal, for pipes and for screen readers."""

from __future__ import annotations

import textwrap
import tomllib
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode


class Plain:
    """Renders one document.

    Args:
        columns: Where paragraphs are wrapped; code and tables are not.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._parser = MarkdownIt("commonmark").enable("table")

    def render(self, text: str) -> str:
        """The document as plain text, without a line end."""
        return self._blocks(SyntaxTreeNode(self._parser.parse(text)).children, "")

    def _blocks(self, nodes: list[SyntaxTreeNode], indent: str) -> str:
        return "\n\n".join(part for node in nodes if (part := self._block(node, indent)))

    def _block(self, node: SyntaxTreeNode, indent: str) -> str:
        match node.type:
            case "heading":
                title = _inline(node)
                line = "=" if node.tag == "h1" else "-"
                return f"{indent}{title}\n{indent}{line * len(title)}" if node.tag in ("h1", "h2") else indent + title
            case "paragraph":
                return self._fill(_inline(node), indent, indent)
            case "bullet_list" | "ordered_list":
                return self._list(node, indent)
            case "fence" if node.info.startswith("lab-"):
                return textwrap.indent(_lab_block(node.info.strip(), node.content, self._columns - len(indent)), indent)
            case "fence" | "code_block":
                return textwrap.indent(node.content.rstrip("\n"), indent + "    ")
            case "blockquote":
                return self._blocks(node.children, indent + "> ")
            case "table":
                return textwrap.indent(_table(node), indent)
            case "hr":
                return indent + "-" * (self._columns - len(indent))
        return ""

    def _list(self, node: SyntaxTreeNode, indent: str) -> str:
        number = int(node.attrs.get("start", 1))
        items = []
        for item in node.children:
            bullet = f"{number}. " if node.type == "ordered_list" else "- "
            inner = indent + " " * len(bullet)
            text = "\n".join(part for child in item.children if (part := self._block(child, inner)))
            items.append(indent + bullet + text[len(inner) :])
            number += 1
        return "\n".join(items)

    def _fill(self, text: str, first: str, following: str) -> str:
        return "\n".join(
            textwrap.fill(
                line,
                self._columns,
                initial_indent=first if number == 0 else following,
                subsequent_indent=following,
                break_long_words=False,
                break_on_hyphens=False,
            )
            for number, line in enumerate(text.split("\n"))
        )


def _inline(node: SyntaxTreeNode) -> str:
    """The text of a block's inline content; code keeps its marks, links show where they lead."""
    parts: list[str] = []
    for child in node.children:
        match child.type:
            case "text" | "html_inline":
                parts.append(child.content)
            case "code_inline":
                parts.append(f"`{child.content}`")
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "link":
                text, target = _inline(child), str(child.attrs.get("href", ""))
                parts.append(text if text == target or not target else f"{text} ({target})")
            case "image":
                parts.append(child.content)
            case _:
                parts.append(_inline(child))
    return "".join(parts)


def _table(node: SyntaxTreeNode) -> str:
    rows = [[_inline(cell) for cell in row.children] for section in node.children for row in section.children]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(widths[column]) for column, cell in enumerate(row)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * size for size in widths))
    return "\n".join(lines)


def _lab_block(kind: str, content: str, columns: int) -> str:
    """One of our own blocks in words; where its TOML is broken, as it stands."""
    try:
        members = tomllib.loads(content) if kind != "lab-exercise" else {}
    except tomllib.TOMLDecodeError:
        return content.rstrip("\n")

    def fill(text: str, hanging: str = "") -> str:
        return textwrap.fill(text, columns, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)

    match kind:
        case "lab-exercise":
            return "\n".join(f"Exercise: lab start {line.strip()}" for line in content.splitlines() if line.strip())
        case "lab-keyflow":
            steps: list[dict[str, Any]] = members.get("step", [])
            lines = [fill(f"{number}. {_who(step)}: {step.get('text', '')}", "   ")
                     for number, step in enumerate(steps, start=1)]  # fmt: skip
            lines += [fill(f"Left with {name}: {what}", "   ") for name, what in members.get("left", {}).items()]
            return "\n".join(lines)
        case "lab-figure":
            return fill(str(members.get("otherwise", "")))
        case "lab-predict":
            choices = [fill(f"  - {choice.get('text', '')}", "    ") for choice in members.get("choices", [])]
            return "\n".join([fill(f"Before you read on: {members.get('ask', '')}"), *choices])
    return content.rstrip("\n")


def _who(step: dict[str, Any]) -> str:
    source, target = str(step.get("from", "")), str(step.get("to", ""))
    return f"{source} → {target}" if target and target != source else source
