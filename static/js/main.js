// Registers the elements and listens for keys. Every page loads this; an element that is not on the page costs nothing.
import { BulkProof } from "./elements/bulk_proof.js";
import { ClassChooser } from "./elements/class_chooser.js";
import { ConflictList } from "./elements/conflict_list.js";
import { CopyText } from "./elements/copy_text.js";
import { FileDrop } from "./elements/file_drop.js";
import { GridPage } from "./elements/grid_page.js";
import { GroupList } from "./elements/group_list.js";
import { ImageMap } from "./elements/image_map.js";
import { JobProgress } from "./elements/job_progress.js";
import { KeyHelp } from "./elements/key_help.js";
import { LazyPart } from "./elements/lazy_part.js";
import { LeakPairs } from "./elements/leak_pairs.js";
import { OutboxStatus } from "./elements/outbox_status.js";
import { PairCompare } from "./elements/pair_compare.js";
import { ReviewPage } from "./elements/review_page.js";
import { SampleComments } from "./elements/sample_comments.js";
import { SampleEvidence } from "./elements/sample_evidence.js";
import { SampleGrid } from "./elements/sample_grid.js";
import { SampleOthers } from "./elements/sample_others.js";
import { SamplePicture } from "./elements/sample_picture.js";
import { SampleStrip } from "./elements/sample_strip.js";
import { ThresholdMover } from "./elements/threshold_mover.js";
import { ThemeSwitch } from "./elements/theme_switch.js";
import { ToastLine } from "./elements/toast_line.js";
import { TrainingCurves } from "./elements/training_curves.js";
import { TreeQuestion } from "./elements/tree_question.js";
import { listen } from "./lib/hotkeys.js";
import { listenToPage } from "./lib/page.js";

// Parts first, then the pages that use them: an element's parts are ready when it starts.
const ELEMENTS = {
  "theme-switch": ThemeSwitch, "toast-line": ToastLine, "key-help": KeyHelp, "class-chooser": ClassChooser, "copy-text": CopyText,
  "outbox-status": OutboxStatus, "job-progress": JobProgress, "lazy-part": LazyPart, "file-drop": FileDrop,
  "sample-picture": SamplePicture, "pair-compare": PairCompare, "tree-question": TreeQuestion, "sample-evidence": SampleEvidence,
  "sample-others": SampleOthers, "sample-comments": SampleComments, "sample-strip": SampleStrip, "sample-grid": SampleGrid,
  "review-page": ReviewPage, "grid-page": GridPage, "group-list": GroupList, "leak-pairs": LeakPairs, "conflict-list": ConflictList,
  "bulk-proof": BulkProof, "threshold-mover": ThresholdMover, "image-map": ImageMap,
  "training-curves": TrainingCurves,
};

for (const [name, element] of Object.entries(ELEMENTS)) customElements.define(name, element);
listen();
listenToPage();
