// The whole target; fragments know their pixel, counted from the upper left corner.

uniform vec2 u_size;

attribute vec2 a_corner;

varying vec2 v_pixel;

void main() {
    v_pixel = (vec2(a_corner.x, -a_corner.y) * 0.5 + 0.5) * u_size;
    gl_Position = vec4(a_corner, 0.0, 1.0);
}
