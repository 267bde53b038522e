/** A model card, block by block: everything in it is text, and links lead to https alone. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import type { CardBlock, CardSpan } from "../wire";
import "./card.css";

/** Blocks that are drawn at once; the cards of some models are books. */
const AT_ONCE = 120;
/** Tags that are shown. */
const TAGS = 24;

export interface BlocksProps {
  blocks: readonly CardBlock[];
  tags: readonly string[];
}

export function Blocks({ blocks, tags }: BlocksProps) {
  const words = useWords();
  const [shown, setShown] = useState(AT_ONCE);
  return (
    <div class="nbt-card" dir="auto">
      {tags.length > 0 && (
        <p class="nbt-card-tags">
          {tags.slice(0, TAGS).map((tag) => (
            <bdi key={tag} class="nbt-chip">
              {tag}
            </bdi>
          ))}
        </p>
      )}
      {blocks.length === 0 && <p class="nbt-soft">{words.t("hub.card.none")}</p>}
      {blocks.slice(0, shown).map((block, index) => (
        <Block key={index} block={block} />
      ))}
      {blocks.length > shown && (
        <Button label={words.t("hub.card.more")} onClick={() => setShown(shown + 4 * AT_ONCE)} />
      )}
    </div>
  );
}

function Block({ block }: { block: CardBlock }) {
  switch (block.type) {
    case "heading": {
      const Heading = block.level <= 2 ? "h3" : "h4";
      return (
        <Heading dir="auto">
          <Spans spans={block.spans} />
        </Heading>
      );
    }
    case "list": {
      const List = block.ordered ? "ol" : "ul";
      return (
        <List>
          {block.items.map((item, index) => (
            <li key={index} dir="auto">
              <Inner blocks={item} />
            </li>
          ))}
        </List>
      );
    }
    case "quote":
      return (
        <blockquote dir="auto">
          <Inner blocks={block.items.flat()} />
        </blockquote>
      );
    case "code":
      return (
        <pre dir="ltr">
          <code>{block.text}</code>
        </pre>
      );
    case "table":
      return <Table cells={block.cells} />;
    case "rule":
      return <hr />;
    default:
      return (
        <p dir="auto">
          {block.text}
          <Spans spans={block.spans} />
        </p>
      );
  }
}

function Inner({ blocks }: { blocks: readonly CardBlock[] }) {
  return (
    <>
      {blocks.map((block, index) => (
        <Block key={index} block={block} />
      ))}
    </>
  );
}

function Table({ cells }: { cells: readonly (readonly CardSpan[][])[] }) {
  const [head = [], ...rows] = cells;
  return (
    <div class="nbt-card-table">
      <table dir="auto">
        <thead>
          <tr>
            {head.map((cell, index) => (
              <th key={index} scope="col">
                <Spans spans={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, line) => (
            <tr key={line}>
              {row.map((cell, index) => (
                <td key={index}>
                  <Spans spans={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Spans({ spans }: { spans: readonly CardSpan[] }) {
  return (
    <>
      {spans.map((span, index) => (
        <Span key={index} span={span} />
      ))}
    </>
  );
}

function Span({ span: { text, style, href } }: { span: CardSpan }) {
  if (isSafe(href)) {
    return (
      <a href={href} target="_blank" rel="noopener noreferrer">
        <Styled text={text} style={style} />
      </a>
    );
  }
  return <Styled text={text} style={style} />;
}

function Styled({ text, style }: { text: string; style: string }) {
  if (style === "strong") return <strong>{text}</strong>;
  if (style === "em") return <em>{text}</em>;
  if (style === "code") return <code>{text}</code>;
  if (style === "strike") return <s>{text}</s>;
  return <>{text}</>;
}

/** An https address, whatever the kernel said of it. */
export function isSafe(href: string): boolean {
  try {
    return new URL(href).protocol === "https:";
  } catch {
    return false;
  }
}
