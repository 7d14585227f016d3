import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { type PlayAudio, readWav, toPlayAudio } from '@maskline/media'
import { AppError } from '../shared/app-error.ts'
import type { Log } from '../shared/log.ts'
import { ANNOUNCEMENT_NAME } from './announcement.ts'
import { type AnnouncementLanguage, builtinAnnouncements } from './builtin.ts'

export type AnnouncementLibrary = {
  find(fileName: string): PlayAudio | undefined
}

/**
 * Announcements that every account has, by name: the built-in ones, and the WAV files of a folder, which win over a
 * built-in of the same name. Files are read at start; one that cannot be used is reported and left out.
 */
export function openLibrary(folder: string, language: AnnouncementLanguage, log: Log): AnnouncementLibrary {
  const audio = new Map(builtinAnnouncements(language))
  for (const name of namesIn(folder)) {
    try {
      audio.set(name, toPlayAudio(readWav(readFileSync(path.join(folder, name)))))
    } catch (error) {
      log.warn(
        { file: name, err: error },
        'announcement file left out: it must be WAV, 8 kHz, mono, A-law, µ-law or 16-bit PCM',
      )
    }
  }
  return { find: (name) => audio.get(name) }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => ANNOUNCEMENT_NAME.test(name) && name.endsWith('.wav'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new AppError(
      'ANNOUNCEMENTS_UNREADABLE',
      `cannot read the announcement folder ${path.resolve(folder)}: ${(error as Error).message}`,
      { cause: error },
    )
  }
}
