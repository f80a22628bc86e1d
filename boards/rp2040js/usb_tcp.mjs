// The USB serial port as a TCP socket of this computer, for one client at a time.
import net from 'node:net';
import { USBCDC } from './library.mjs';

const PACKET_BYTES = 64;
const HELD_BYTES = 16384;           // from the client; more waits in its socket
const SENT_BYTES = 262144;          // to a client that is behind, before the machine waits
const QUEUE_MS = 1000;              // a newcomer waits so long for the port to be free

export class UsbPort {
    machine = null;
    onUp = () => {};
    #usb = null;
    #cdc = null;
    #client = null;
    #input = [];                    // chunks from the client
    #inputBytes = 0;
    #wanted = 0;                    // bytes that the firmware waits for, 0: it does not

    listen(port) {
        const server = net.createServer((socket) => this.#connect(socket));
        return new Promise((resolve, reject) => {
            server.on('error', reject);
            server.listen(port, '127.0.0.1', () => resolve(server.address().port));
        });
    }

    attach(mcu) {
        this.#usb = mcu.usbCtrl;
        this.#wanted = 0;
        this.#input = [];           // bytes on the way when the board reset are lost
        this.#inputBytes = 0;
        this.#cdc = new USBCDC(mcu.usbCtrl);
        this.#cdc.onDeviceConnected = () => this.onUp();
        this.#cdc.onSerialData = (bytes) => this.#send(bytes);
        // A read with nothing to give is kept, not answered with an empty packet:
        // the core can sleep.
        mcu.usbCtrl.onEndpointRead = (endpoint, size) => {
            if (endpoint !== this.#cdc.outEndpoint) return;
            this.#wanted = size;
            this.#give();
        };
        this.#client?.resume();
    }

    #connect(socket) {
        socket.setNoDelay(true);
        socket.on('error', () => {});
        if (this.#client) {
            const late = setTimeout(() => socket.destroy(), QUEUE_MS);
            this.#client.once('close', () => {
                clearTimeout(late);
                if (!socket.destroyed) this.#connect(socket);
            });
            return;
        }
        this.#client = socket;
        socket.on('data', (bytes) => this.#take(bytes));
        socket.on('end', () => socket.destroy());
        socket.on('close', () => {
            this.#client = null;
            this.machine.resume();
        });
    }

    #take(bytes) {
        this.#input.push(bytes);
        this.#inputBytes += bytes.length;
        if (this.#inputBytes > HELD_BYTES) this.#client.pause();
        this.#give();
        this.machine.wake();
    }

    // One packet to the firmware, if it wants one and there is one.
    #give() {
        if (this.#wanted === 0 || this.#inputBytes === 0) return;
        const packet = new Uint8Array(Math.min(this.#wanted, this.#inputBytes, PACKET_BYTES));
        for (let at = 0; at < packet.length;) {
            const part = this.#input[0].subarray(0, packet.length - at);
            packet.set(part, at);
            at += part.length;
            if (part.length === this.#input[0].length) this.#input.shift();
            else this.#input[0] = this.#input[0].subarray(part.length);
        }
        this.#inputBytes -= packet.length;
        this.#wanted = 0;
        this.#usb.endpointReadDone(this.#cdc.outEndpoint, packet);
        if (this.#inputBytes < HELD_BYTES / 2) this.#client?.resume();
    }

    // Without a client, output is gone, as with nobody at a serial port.
    #send(bytes) {
        const client = this.#client;
        if (!client) return;
        client.write(Buffer.from(bytes));
        if (client.writableLength < SENT_BYTES) return;
        this.machine.pause();
        client.once('drain', () => this.machine.resume());
    }
}
