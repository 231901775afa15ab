// Draws one picture in headless Chromium: node shoot.mjs CHROMIUM DIST < picture.json > picture.png
// Anything that the page complains about ends it with status 1 and the complaint.
import { json } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import puppeteer from 'puppeteer-core';

const DEADLINE_MS = 60_000;
const SETTLE_MS = 200;
const [chromium, dist] = process.argv.slice(2);
const picture = await json(process.stdin);

const browser = await puppeteer.launch({
  executablePath: chromium,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--hide-scrollbars', '--force-color-profile=srgb'],
});
try {
  process.stdout.write(await shoot());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}

async function shoot() {
  const complaints = [];
  const page = await browser.newPage();
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)));
  page.on('requestfailed', (request) => complaints.push(`not loaded: ${request.url()}`));
  await page.setViewport({ width: picture.width, height: picture.height });
  await page.goto(pathToFileURL(`${dist}/index.html`).href);
  await page.evaluate((given) => window.draw(given), picture);
  const image = await still(page);
  if (complaints.length) throw new Error(`the page complains:\n${complaints.join('\n')}`);
  return image;
}

// Charts and lists lay themselves out in several frames: the picture is done when two in a row are the same.
async function still(page) {
  const end = Date.now() + DEADLINE_MS;
  for (let last; Date.now() < end; ) {
    const next = Buffer.from(await page.screenshot({ fullPage: true }));
    if (last?.equals(next)) return next;
    last = next;
    await new Promise((done) => setTimeout(done, SETTLE_MS));
  }
  throw new Error(`the picture does not stand still within ${DEADLINE_MS} ms`);
}
