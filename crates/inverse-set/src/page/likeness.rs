//! Which samples are alike.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sampler::figures::distance;

/// Per row of `[n, dim]` encodings the numbers of all others, from the nearest
/// on; of two at the same distance the first comes first. There are at most
/// 65,536.
pub(super) fn neighbours(encodings: &[f32], dim: usize) -> Vec<Vec<u16>> {
    let rows: Vec<&[f32]> = encodings.chunks_exact(dim).collect();
    let mut distances = vec![vec![0.0; rows.len()]; rows.len()];
    for i in 0..rows.len() {
        for j in 0..i {
            let distance = distance(rows[i], rows[j]);
            distances[i][j] = distance;
            distances[j][i] = distance;
        }
    }
    let order = |(i, distances): (usize, &Vec<f64>)| {
        let mut others: Vec<u16> = (0..rows.len())
            .filter(|&j| j != i)
            .map(|j| j as u16)
            .collect();
        others.sort_by(|&a, &b| distances[usize::from(a)].total_cmp(&distances[usize::from(b)]));
        others
    };
    distances.iter().enumerate().map(order).collect()
}

/// The rows one after the other, 16 bits a number, low byte first, in Base64.
pub(super) fn packed(neighbours: &[Vec<u16>]) -> String {
    let bytes = neighbours.iter().flatten().flat_map(|j| j.to_le_bytes());
    STANDARD.encode(bytes.collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_from_the_nearest_on() {
        let encodings = [0.0, 4.0, 1.0, -1.0, 300.0];
        let found = neighbours(&encodings, 1);
        assert_eq!(found[0], [2, 3, 1, 4]);
        assert_eq!(found[4], [1, 2, 0, 3]);
        assert_eq!(packed(&found[..1]), "AgADAAEABAA=");
        assert_eq!(neighbours(&[1.0, 2.0], 2), [[0_u16; 0]]);
    }
}
