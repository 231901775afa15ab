// Lays the panels of one dashboard out and draws them with the panels of Perses; what they show was queried before.
import { CssBaseline, ThemeProvider } from '@mui/material';
import { ChartsProvider, generateChartsTheme, getTheme, SnackbarProvider, TimeZoneProvider } from '@perses-dev/components';
import { BuiltinVariableContext, TimeRangeProvider, VariableContext } from '@perses-dev/plugin-system';
import { createRoot } from 'react-dom/client';
import { Header, PanelFrame, RowTitle } from './frames.jsx';

const theme = getTheme('light', { palette: { background: { default: '#ffffff' } } });
// The height of a line is given: ECharts takes the width of a Chinese character for it, which few fonts here have, and
// then cuts the labels of the time axis off.
const label = { axisLabel: { margin: 8, lineHeight: 14 } };
const chartsTheme = generateChartsTheme(theme, {
  echartsTheme: { animation: false, timeAxis: label, categoryAxis: label, valueAxis: label },
});
const noVariables = { state: {}, variables: [] }; // they are substituted before
const loadedFonts = ['400 12px Lato', '700 12px Lato'];

function Picture({ picture }) {
  const range = { start: new Date(picture.start), end: new Date(picture.end) };
  return (
    <ThemeProvider theme={theme}>
      <CssBaseline />
      <ChartsProvider chartsTheme={chartsTheme} enablePinning={false} enableSyncGrouping={false}>
        <SnackbarProvider>
          <TimeZoneProvider timeZone="UTC">
            <TimeRangeProvider timeRange={range}>
              <VariableContext.Provider value={noVariables}>
                <BuiltinVariableContext.Provider value={noVariables}>
                  <Dashboard picture={picture} />
                </BuiltinVariableContext.Provider>
              </VariableContext.Provider>
            </TimeRangeProvider>
          </TimeZoneProvider>
        </SnackbarProvider>
      </ChartsProvider>
    </ThemeProvider>
  );
}

function Dashboard({ picture }) {
  return (
    <div style={{ position: 'relative', width: picture.width, height: picture.height, background: '#f4f5f7' }}>
      <Header title={picture.title} facts={picture.facts} />
      {picture.rows.map((row) => (
        <RowTitle key={row.box.y} {...row} />
      ))}
      {picture.panels.map((panel) => (
        <PanelFrame key={panel.id} panel={panel} />
      ))}
    </div>
  );
}

window.draw = async (picture) => {
  await Promise.all(loadedFonts.map((font) => document.fonts.load(font)));
  createRoot(document.getElementById('root')).render(<Picture picture={picture} />);
};
