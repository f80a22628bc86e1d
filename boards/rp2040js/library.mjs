// rp2040js, from the folder where `make firmware BOARD=VIRTUAL_PICO` puts it.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const folder = process.env.TINYSENSE_RP2040JS
    ?? fileURLToPath(new URL('../../build/rp2040js', import.meta.url));

export const { Simulator, USBCDC } = createRequire(folder + '/package.json')('rp2040js');

// It reports reads that mean nothing (core 1, reserved SIO words) on the console.
for (const name of ['log', 'warn', 'error']) {
    const print = console[name];
    console[name] = (text, ...rest) => {
        if (!/^(Read from|Write to) invalid SIO/.test(String(text))) print(text, ...rest);
    };
}
const nothing = () => {};
export const quiet = {
    debug: nothing, info: nothing, warn: nothing,
    error: (name, text) => console.error(name, text),
};
