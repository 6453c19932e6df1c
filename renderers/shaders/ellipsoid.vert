// One quad around the outline of each ellipsoid, for exact ray casting in the fragment shader.

uniform mat4 u_view;        // world to camera, OpenCV axes
uniform vec2 u_focal;
uniform vec2 u_principal;
uniform vec2 u_size;
uniform vec2 u_depth_range; // near, far
uniform float u_sigma;      // radius in standard deviations

attribute vec2 a_corner;
attribute vec4 a_mean_opacity;
attribute vec3 a_shape_a;   // standard deviations
attribute vec4 a_shape_b;   // quaternion wxyz
attribute vec3 a_colour;

varying vec3 v_origin;      // the eye in the space where the ellipsoid is a unit sphere
varying vec3 v_direction;   // of the pixel's ray there, for depth 1; linear over the quad
varying vec3 v_axis_x;      // rows that take a unit-sphere normal to camera axes
varying vec3 v_axis_y;
varying vec3 v_axis_z;
varying vec3 v_colour;

mat3 rotation(vec4 q) {
    float w = q.x, x = q.y, y = q.z, z = q.w;
    return mat3(
        1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z), 2.0 * (x * z - w * y),
        2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + w * x),
        2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y));
}

void main() {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    if (a_mean_opacity.w < 0.1) return;
    vec3 p = (u_view * vec4(a_mean_opacity.xyz, 1.0)).xyz;
    float longest = max(a_shape_a.x, max(a_shape_a.y, a_shape_a.z));
    vec3 radii = u_sigma * max(a_shape_a, vec3(0.01 * longest));
    mat3 axes = mat3(u_view) * rotation(a_shape_b);

    // Outline of a quadric from its dual, C = P (S - p p^T) P^T (Hartley and Zisserman, 8.3).
    mat3 half_axes = mat3(axes[0] * radii.x, axes[1] * radii.y, axes[2] * radii.z);
    vec3 rx = vec3(half_axes[0].x, half_axes[1].x, half_axes[2].x);
    vec3 ry = vec3(half_axes[0].y, half_axes[1].y, half_axes[2].y);
    vec3 rz = vec3(half_axes[0].z, half_axes[1].z, half_axes[2].z);
    float c22 = p.z * p.z - dot(rz, rz);
    if (p.z - length(rz) < u_depth_range.x) return;
    float c00 = p.x * p.x - dot(rx, rx), c02 = p.x * p.z - dot(rx, rz);
    float c11 = p.y * p.y - dot(ry, ry), c12 = p.y * p.z - dot(ry, rz);
    vec2 middle = vec2(c02, c12) / c22;
    vec2 reach = sqrt(max(vec2(c02 * c02 - c00 * c22, c12 * c12 - c11 * c22), 0.0)) / c22;
    vec2 slope = middle + a_corner * (reach + 1.0 / u_focal);

    // (axes * diag(radii))^-1 applied to the eye and to the ray.
    v_origin = -(p * axes) / radii;
    v_direction = (vec3(slope, 1.0) * axes) / radii;
    mat3 inverse_axes = mat3(axes[0] / radii.x, axes[1] / radii.y, axes[2] / radii.z);
    v_axis_x = vec3(inverse_axes[0].x, inverse_axes[1].x, inverse_axes[2].x);
    v_axis_y = vec3(inverse_axes[0].y, inverse_axes[1].y, inverse_axes[2].y);
    v_axis_z = vec3(inverse_axes[0].z, inverse_axes[1].z, inverse_axes[2].z);
    v_colour = clamp(a_colour, 0.0, 1.0);

    vec2 pixel = u_focal * slope + u_principal;
    gl_Position = vec4(2.0 * pixel / u_size - 1.0, 0.0, 1.0);
    gl_Position.y = -gl_Position.y;
}
