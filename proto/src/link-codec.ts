// pure
/** The messages with which the two ends of a TCP link prove that they know the same token; codec.ts says how codecs are written. */
import { bytes, type FieldsCodec, readString, skip, writeString } from './fields.ts';
import type { LinkAccepted, LinkChallenge, LinkProof } from './messages.ts';

export const linkChallenge: FieldsCodec<LinkChallenge> = {
  write(m, w) {
    writeString(w, 1, m.nonce);
  },
  read(r, end) {
    const m = { nonce: '' };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === bytes(1)) m.nonce = readString(r);
      else skip(r, tag);
    }
    return m;
  },
};

export const linkProof: FieldsCodec<LinkProof> = {
  write(m, w) {
    writeString(w, 1, m.nonce);
    writeString(w, 2, m.proof);
  },
  read(r, end) {
    const m = { nonce: '', proof: '' };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === bytes(1)) m.nonce = readString(r);
      else if (tag === bytes(2)) m.proof = readString(r);
      else skip(r, tag);
    }
    return m;
  },
};

export const linkAccepted: FieldsCodec<LinkAccepted> = {
  write(m, w) {
    writeString(w, 1, m.proof);
  },
  read(r, end) {
    const m = { proof: '' };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === bytes(1)) m.proof = readString(r);
      else skip(r, tag);
    }
    return m;
  },
};
