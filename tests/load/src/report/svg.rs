//! Pictures that need nothing but themselves, and can be read on light and on dark.

use std::fmt::Write as _;

/// How far a goal was reached.
pub(super) struct Bar {
    pub(super) name: String,
    /// The number, in format.
    pub(super) said: String,
    /// The median as a share of the goal.
    pub(super) share: f64,
    /// The least and the greatest.
    pub(super) from: f64,
    pub(super) to: f64,
}

/// Percentiles, and the time of each.
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

const STYLE: &str = "<style>text{font:13px system-ui,sans-serif;fill:#1f2328}.axis{stroke:#8b949e}.goal{stroke:#1f2328}\
    .met{fill:#2da44e}.missed{fill:#cf222e}.spread{stroke:#1f2328;stroke-width:2}polyline{fill:none;stroke-width:2}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.goal,.spread{stroke:#e6edf3}}</style>";
const WIDTH: f64 = 860.0;
const ROW: f64 = 34.0;
/// Where bars begin, how long one of the goal itself is, and the longest.
const LEFT: f64 = 400.0;
const UNIT: f64 = 170.0;
const MAX_TIME: f64 = 1.5;

/// The horizontal position of a share of a goal.
fn bar_end(share: f64) -> f64 {
    LEFT + share.clamp(0.0, MAX_TIME) * UNIT
}

/// A bar for each goal, with its spread; the line is the goal.
pub(super) fn bars(bars: &[Bar]) -> String {
    let height = f64::from(u32::try_from(bars.len()).unwrap_or(u32::MAX)) * ROW + 50.0;
    let mut svg =
        begin(height, "Each measure as a share of its goal; the line is the goal, and longer is better");
    let mut top = 34.0;
    for bar in bars {
        let class = if bar.share >= 1.0 { "met" } else { "missed" };
        let (baseline, middle) = (top + 15.0, top + 10.0);
        let _ = write!(
            svg,
            r#"<text x="{:.0}" y="{baseline}" text-anchor="end">{}</text><rect class="{class}" x="{LEFT}" y="{top}" width="{:.1}" height="20" rx="2"/><line class="spread" x1="{:.1}" x2="{:.1}" y1="{middle}" y2="{middle}"/><text x="{:.0}" y="{baseline}">{}</text>"#,
            LEFT - 8.0,
            escape(&bar.name),
            bar_end(bar.share) - LEFT,
            bar_end(bar.from),
            bar_end(bar.to),
            LEFT + MAX_TIME * UNIT + 12.0,
            escape(&bar.said),
        );
        top += ROW;
    }
    let goal = LEFT + UNIT;
    let _ =
        write!(svg, r#"<line class="goal" x1="{goal}" x2="{goal}" y1="26" y2="{:.0}"/></svg>"#, top - 4.0);
    svg.push('\n');
    svg
}

const COLOURS: [&str; 4] = ["#0969da", "#cf222e", "#2da44e", "#9a6700"];
const PLOT: (f64, f64, f64, f64) = (70.0, 40.0, 700.0, 260.0);

/// Times over percentiles, both on scales that grow by factors: of 90, 99 and 99.9 each is as far from the next.
pub(super) fn curves(title: &str, curves: &[Curve]) -> String {
    let (left, top, width, height) = PLOT;
    let times = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.1.max(1e-3).log10());
    let (lowest, highest) =
        (times().fold(f64::INFINITY, f64::min).floor(), times().fold(-3.0, f64::max).ceil());
    let rarest =
        curves.iter().flat_map(|curve| &curve.points).map(|point| rarity(point.0)).fold(1.0, f64::max);
    let x = |percent: f64| left + rarity(percent) / rarest * width;
    let y =
        |time: f64| top + height - (time.max(1e-3).log10() - lowest) / (highest - lowest).max(1.0) * height;
    let mut svg = begin(top + height + 60.0, title);
    let mut decade = lowest;
    while decade <= highest {
        let (time, at) = (10_f64.powf(decade), y(10_f64.powf(decade)));
        let _ = write!(
            svg,
            r#"<line class="axis" x1="{left}" x2="{}" y1="{at:.1}" y2="{at:.1}" stroke-opacity="0.4"/><text x="{}" y="{:.1}" text-anchor="end">{time}</text>"#,
            left + width,
            left - 6.0,
            at + 4.0
        );
        decade += 1.0;
    }
    for (percent, _) in curves.first().map(|curve| &curve.points).into_iter().flatten() {
        let _ = write!(
            svg,
            r#"<text x="{:.1}" y="{}" text-anchor="middle">p{percent}</text>"#,
            x(*percent),
            top + height + 20.0
        );
    }
    for ((curve, colour), row) in curves.iter().zip(COLOURS.iter().cycle()).zip(0_u32..) {
        let points: Vec<_> =
            curve.points.iter().map(|point| format!("{:.1},{:.1}", x(point.0), y(point.1))).collect();
        let _ = write!(
            svg,
            r#"<polyline stroke="{colour}" points="{}"/><text x="{}" y="{}" style="fill:{colour}">{}</text>"#,
            points.join(" "),
            left + 14.0,
            top + 16.0 + 18.0 * f64::from(row),
            escape(&curve.name)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// How many answers there are to one that takes longer, as a power of ten.
fn rarity(percent: f64) -> f64 {
    -(1.0 - percent.min(99.999) / 100.0).log10()
}

fn begin(height: f64, title: &str) -> String {
    let title = escape(title);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{title}">{STYLE}<text x="12" y="18">{title}</text>"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that elements are closed in the reverse order of their opening. No attribute value contains a quotation mark
    /// or the beginning of a tag or an entity, and no number is `NaN`.
    fn assert_well_formed(svg: &str) {
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1).map(|rest| rest.split_once('>').expect("a tag that ends").0) {
            let name = tag.split([' ', '/']).next().expect("a name");
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "{svg}");
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        }
        assert!(open.is_empty(), "{open:?}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn bars_are_well_formed_for_any_name_and_length() {
        let name = r#"<&"> more"#.to_owned();
        let bar =
            |share| Bar { name: name.clone(), said: name.clone(), share, from: share / 2.0, to: share * 2.0 };
        let svg = bars(&[bar(0.5), bar(1.0), bar(1e9)]);
        assert_well_formed(&svg);
        assert_eq!((svg.matches(r#"class="met""#).count(), svg.matches(r#"class="missed""#).count()), (2, 1));
    }

    fn curve(name: &str, points: &[(f64, f64)]) -> Curve {
        Curve { name: name.to_owned(), points: points.to_vec() }
    }

    #[test]
    fn curves_are_well_formed_with_one_or_no_point() {
        let points = vec![(50.0, 0.2), (99.0, 3.0), (99.9, 40.0)];
        assert_well_formed(&curves("<t>", &[curve("idle", &points), curve("<&>", &points)]));
        assert_well_formed(&curves("t", &[curve("one", &[(100.0, 0.0)])]));
        assert_well_formed(&bars(&[]));
    }
}
