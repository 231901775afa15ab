// Panels that Perses has not, or not with our colours, made of its chart, legend and table.
import { ContentWithLegend, EChart, Table, useChartsTheme } from '@perses-dev/components';
import { formatValue } from '@perses-dev/core';
import { BarChart, PieChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

use([BarChart, PieChart, GridComponent, CanvasRenderer]);

const PADDING = 10;
const BAR_HEIGHT = 34;

function NoData() {
  const { title } = useChartsTheme().noDataOption;
  return <div style={{ ...title.textStyle, textAlign: 'center', paddingTop: 40 }}>{title.text}</div>;
}

// One horizontal bar for each value, in its own colour, with the value at its end.
export function Bars({ spec, contentDimensions }) {
  const { echartsTheme } = useChartsTheme();
  if (!spec.bars.length) return <NoData />;
  const bars = spec.bars.toReversed(); // a category axis begins at the bottom
  const shown = bars.map((bar) => bar.text ?? formatValue(bar.value, spec.format));
  const height = Math.min(contentDimensions.height - PADDING, bars.length * BAR_HEIGHT + PADDING);
  const room = Math.max(...shown.map((text) => text.length)) * 8 + 8;
  const width = contentDimensions.width - 2 * PADDING;
  const option = {
    grid: { left: 12, right: room, top: 4, bottom: 4, containLabel: true },
    xAxis: { type: 'value', min: spec.min, max: spec.max, show: false },
    yAxis: {
      type: 'category',
      data: bars.map((bar) => bar.label),
      axisLine: { show: false },
      splitLine: { show: false },
      axisLabel: { overflow: 'truncate', width: width / 3, interval: 0, margin: 8 },
    },
    series: {
      type: 'bar',
      barWidth: '62%',
      showBackground: true,
      backgroundStyle: { color: '#eef0f2', borderRadius: 3 },
      label: { show: true, position: 'right', fontWeight: 700, formatter: ({ dataIndex }) => shown[dataIndex] },
      data: bars.map(({ value, color }) => ({ value, itemStyle: { color, borderRadius: 3 } })),
    },
  };
  return <Box option={option} theme={echartsTheme} width={width} height={height} />;
}

// Slices, and a table of their values beside or below.
export function Pie({ spec, contentDimensions }) {
  const { echartsTheme } = useChartsTheme();
  if (!spec.slices.length) return <NoData />;
  const palette = echartsTheme.color;
  const slices = spec.slices.map((each, at) => ({ ...each, color: each.color ?? palette[at % palette.length] }));
  const total = slices.reduce((sum, each) => sum + each.value, 0);
  const items = slices.map(({ name, value, color }) => ({
    id: name,
    label: name,
    color,
    data: { value: formatValue(value, spec.format), share: formatValue(value / total, { unit: 'percent-decimal' }) },
  }));
  const columns = spec.values.map((key) => ({ accessorKey: `data.${key}`, header: key, width: 76, align: 'right' }));
  const legend = spec.legend && {
    options: { mode: 'table', position: spec.legend },
    data: items,
    selectedItems: 'ALL',
    onSelectedItemsChange: () => {},
    tableProps: { columns },
  };
  const option = {
    series: {
      type: 'pie',
      radius: spec.donut ? ['55%', '88%'] : '88%',
      label: { show: false },
      itemStyle: { borderColor: '#fff', borderWidth: 1 },
      data: slices.map(({ name, value, color }) => ({ name, value, itemStyle: { color } })),
    },
  };
  return (
    <div style={{ padding: PADDING }}>
      <ContentWithLegend
        width={contentDimensions.width - 2 * PADDING}
        height={contentDimensions.height - 2 * PADDING}
        minChildrenHeight={50}
        legendSize="small"
        legendProps={legend}
      >
        {({ width, height }) => <Box option={option} theme={echartsTheme} width={width} height={height} padding={0} />}
      </ContentWithLegend>
    </div>
  );
}

function Box({ option, theme, width, height, padding = PADDING }) {
  return (
    <div style={{ width, height, margin: `0 ${padding}px` }}>
      <EChart option={option} theme={theme} sx={{ width: '100%', height: '100%' }} />
    </div>
  );
}

// Rows that were joined, renamed and coloured before.
export function TableOfCells({ spec, contentDimensions }) {
  if (!spec.rows.length) return <NoData />;
  const columns = spec.columns.map(({ name, header, format, align, width }) => ({
    accessorKey: name,
    header,
    align,
    width: width ?? 'auto',
    cell: (cell) => (typeof cell.getValue() === 'number' ? formatValue(cell.getValue(), format) : cell.getValue()),
  }));
  return (
    <Table
      data={spec.rows}
      columns={columns}
      cellConfigs={spec.cells}
      width={contentDimensions.width}
      height={contentDimensions.height}
      density="compact"
      defaultColumnWidth="auto"
    />
  );
}
