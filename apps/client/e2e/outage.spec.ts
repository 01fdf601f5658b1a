import type { Route, WebSocketRoute } from '@playwright/test';
import { ON_RELAY, expect, test } from './parley.ts';

test.describe('while the relay cannot be reached', () => {
  test('[PR2] [SY23] that it has gone is noticed though nobody writes, and so is that it is back', async ({
    guest,
    ownRelay,
  }) => {
    test.setTimeout(180_000);
    const [ada, bob] = [await guest({ at: ownRelay }), await guest({ at: ownRelay })];
    await ada.newSession('Quiet');
    await ada.write('Nobody types any more.');
    await bob.join(await ada.editLink());
    for (const one of [ada, bob]) {
      await expect(one.people).toHaveCount(2);
      await one.stored();
    }
    await ownRelay.stop();
    for (const { sync } of [ada, bob]) {
      await expect(sync).toContainText(/relay unreachable since \d/, { timeout: 30_000 });
      await expect(sync).not.toContainText('on the relay');
    }
    await ownRelay.start();
    for (const { sync } of [ada, bob]) await expect(sync).toContainText(ON_RELAY, { timeout: 60_000 });
  });

  test('[PR2] [SY4] [SY19] what one has of others is not called on the relay before it is there', async ({
    guest,
  }) => {
    const [ada, bob] = [await guest(), await guest()];
    await ada.newSession('Between us');
    await ada.write('Both.');
    await bob.join(await ada.editLink());
    await bob.connected();
    for (const one of [ada, bob]) await one.stored();
    for (const { context } of [ada, bob]) await context.route('**/api/**', (route) => route.abort());
    await ada.write(' Only here.');
    await expect(bob.plan).toHaveText('Both. Only here.');
    await expect(bob.sync).toContainText('waiting for the relay');
    await ada.context.close();
    await bob.context.unroute('**/api/**');
    await expect(bob.sync).toContainText(ON_RELAY, { timeout: 45_000 });
    const link = await bob.editLink();
    await bob.context.close();
    const cy = await guest();
    await cy.join(link);
    await expect(cy.plan).toHaveText('Both. Only here.');
  });

  test('[PR1] [SY23] what waits is there soon after the hub answers again, though an earlier question still hangs', async ({
    guest,
  }) => {
    const ada = await guest();
    let way: 'open' | 'closed' | 'hanging' = 'open';
    const sockets = new Set<WebSocketRoute>();
    await ada.context.routeWebSocket(/signaling/, (socket) => {
      sockets.add(socket);
      if (way === 'open') socket.connectToServer();
      else void socket.close();
    });
    const hanging = Promise.withResolvers<Route>();
    await ada.context.route('**/api/**', (route) => {
      if (way === 'open') return route.continue();
      if (way === 'closed') return route.abort();
      hanging.resolve(route);
    });
    await ada.newSession('Patience');
    await ada.write('Before.');
    await ada.stored();
    way = 'closed';
    for (const socket of sockets) await socket.close();
    await ada.write(' Meanwhile.');
    await expect(ada.sync).toContainText(/relay unreachable since \d/);
    way = 'hanging';
    await hanging.promise;
    way = 'open';
    // A question that is not answered is waited for half a minute.
    await expect(ada.sync).toContainText(ON_RELAY, { timeout: 25_000 });
  });

  test('[SY23] a device without a network asks nothing, and has sent what it holds once there is one', async ({
    guest,
  }) => {
    const ada = await guest();
    await ada.newSession('On a plane');
    await ada.write('Before take-off.');
    await ada.stored();
    await ada.context.setOffline(true);
    await expect(ada.sync).toContainText('offline');
    const asked: string[] = [];
    ada.page.on('request', (request) => asked.push(request.url()));
    ada.page.on('websocket', (socket) => asked.push(socket.url()));
    await ada.write(' In the air, for longer than a change waits before it is sent.');
    await ada.saved();
    expect(asked).toEqual([]);
    await ada.context.setOffline(false);
    await ada.stored();
    expect(asked.some((url) => url.includes('/api/'))).toBe(true);
  });
});
