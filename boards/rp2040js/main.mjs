// node main.mjs --firmware FILE --rom FILE --disk FILE [--port N] [--control N] [--set JSON]
//
// A Raspberry Pi Pico with an MPU6050 and an LSM6DSOX. Prints one line of JSON
// once its USB serial port is up: the TCP ports of that and of the control channel.
import { parseArgs } from 'node:util';
import { Lsm6dsox } from './chips/lsm6dsox.mjs';
import { Mpu6050 } from './chips/mpu6050.mjs';
import { Control } from './control.mjs';
import { Flash } from './flash.mjs';
import { I2cBus } from './i2c_bus.mjs';
import { I2cController } from './i2c_controller.mjs';
import { I2cPins } from './i2c_pins.mjs';
import { Machine } from './machine.mjs';
import { Motion } from './motion.mjs';
import { Time } from './time.mjs';
import { UsbPort } from './usb_tcp.mjs';

const SDA = 4, SCL = 5;             // I2C0
const MPU6050_INT = 6, LSM6DSOX_INT1 = 7;

function fail(error) {
    console.error(error.message.split('\n')[0]);
    process.exit(1);
}

async function main() {
    const text = { type: 'string' };
    const { values } = parseArgs({ options: {
        firmware: text, rom: text, disk: text, port: text, control: text,
        set: { type: 'string', multiple: true, default: [] },
    } });
    const time = new Time();
    const flash = new Flash(values.firmware, values.disk);
    const bus = new I2cBus();
    const pins = new I2cPins(bus, SCL, SDA);
    const chips = {
        mpu6050: new Mpu6050(MPU6050_INT, time, new Motion()),
        lsm6dsox: new Lsm6dsox(LSM6DSOX_INT1, time, new Motion()),
    };
    for (const chip of Object.values(chips)) bus.add(chip);
    const controller = new I2cController(bus, time, [SDA, SCL]);
    const usb = new UsbPort();
    const machine = new Machine(values.rom, flash, time,
        [usb, controller, pins, ...Object.values(chips)]);
    usb.machine = machine;
    const control = new Control({ machine, time, flash, bus, pins, chips });
    for (const request of values.set) control.apply(JSON.parse(request));
    const ports = {
        port: await usb.listen(Number(values.port ?? 0)),
        control: await control.listen(Number(values.control ?? 0)),
    };
    usb.onUp = () => {
        console.log(JSON.stringify(ports));
        usb.onUp = () => {};
    };
    machine.start();
}

// Ends with whoever started it, however that ended.
const parent = process.ppid;
setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
}, 1000).unref();

process.on('uncaughtException', fail);
process.on('SIGTERM', () => process.exit(0));
main().catch(fail);
