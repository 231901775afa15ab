// What stands around the panels: title and facts on top, titles of rows, the frame of a panel.
import { GaugeChartPanel } from '@perses-dev/gauge-chart-plugin';
import { MarkdownPanel } from '@perses-dev/markdown-plugin';
import { StatChartPanel } from '@perses-dev/stat-chart-plugin';
import { StatusHistoryPanel } from '@perses-dev/status-history-chart-plugin';
import { TimeSeriesChartPanel } from '@perses-dev/timeseries-chart-plugin';
import { Bars, Pie, TableOfCells } from './charts.jsx';

const PANELS = {
  Bars,
  GaugeChart: GaugeChartPanel,
  Markdown: MarkdownPanel,
  Pie,
  StatChart: StatChartPanel,
  StatusHistoryChart: StatusHistoryPanel,
  TableOfCells,
  TimeSeriesChart: TimeSeriesChartPanel,
};
const TITLE_HEIGHT = 30;
const INK = '#24292f';
const FAINT = '#6b7280';
// Says, as Grafana does, that there is a description.
const MARK = {
  display: 'inline-block',
  width: 13,
  height: 13,
  marginLeft: 6,
  border: `1px solid ${FAINT}`,
  borderRadius: 7,
  color: FAINT,
  fontSize: 9,
  lineHeight: '11px',
  textAlign: 'center',
  verticalAlign: 1,
};

const at = (box) => ({ position: 'absolute', left: box.x, top: box.y, width: box.w, height: box.h });

export function Header({ title, facts }) {
  return (
    <div style={{ padding: '14px 16px', display: 'flex', alignItems: 'baseline', gap: 24, color: INK }}>
      <span style={{ fontSize: 24, fontWeight: 700 }}>{title}</span>
      {facts.map(([name, value]) => (
        <span key={name} style={{ fontSize: 13 }}>
          <span style={{ color: FAINT }}>{name}</span> <b>{value}</b>
        </span>
      ))}
    </div>
  );
}

export function RowTitle({ title, box }) {
  return (
    <div style={{ ...at(box), fontSize: 16, fontWeight: 700, color: INK, lineHeight: `${box.h}px`, paddingLeft: 4 }}>
      {title}
    </div>
  );
}

export function PanelFrame({ panel }) {
  const { box, title, description, kind, spec } = panel;
  const titleHeight = title ? TITLE_HEIGHT : 0;
  const Content = PANELS[kind];
  const frame = { background: '#fff', border: '1px solid #dfe2e6', borderRadius: 4, overflow: 'hidden' };
  return (
    <div style={{ ...at(box), ...frame }}>
      {title && (
        <div style={{ height: titleHeight, padding: '7px 10px 0', whiteSpace: 'nowrap', fontSize: 14, color: INK }}>
          <b>{title}</b>
          {description && <span style={MARK}>i</span>}
        </div>
      )}
      <div style={{ height: box.h - titleHeight - 2, position: 'relative' }}>
        <Content
          spec={spec}
          contentDimensions={{ width: box.w - 2, height: box.h - titleHeight - 2 }}
          queryResults={panel.queries.map(revived)}
        />
      </div>
    </div>
  );
}

function revived(data) {
  const { start, end } = data.timeRange;
  return { definition: {}, data: { ...data, timeRange: { start: new Date(start), end: new Date(end) } } };
}
